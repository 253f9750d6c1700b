"""
Watching and stopping: callbacks
================================

scikit-learn's callbacks work with these networks: a progress bar, a monitor that scores after each
epoch, and your own.
"""

# %%
# A progress bar and a monitor
# ----------------------------
# The bar needs the package ``rich``.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.inspection import TrainingCurveDisplay

warnings.simplefilter("ignore", ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

monitor = ScoringMonitor(scoring="accuracy")
network = LSHMLPClassifier((800,), density=0.1, max_iter=8, random_state=0)
network.set_callbacks(ProgressBar(), monitor).fit(X_train, y_train)
scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
print("accuracy on the training digits:", np.round(scores, 3))

# %%
# One of your own
# ---------------
# It is told when tasks begin and end, and may ask for the network as it is. This one keeps the
# weights after each epoch, and stops when all training digits are known.


class WatchNeurons:
    """Keep what neurons look for, and stop when nothing is left to learn."""

    def setup(self, estimator, context):
        """Begin with no pictures."""
        self.pictures = []

    def teardown(self, estimator, context):
        """Nothing to tidy up."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do."""

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        """Look at the network after an epoch; True ends the training."""
        if context.task_name != "epoch":
            return False
        self.pictures.append(fitted_estimator.coefs_[0].T.copy())
        return fitted_estimator.score(X, y) == 1


watch = WatchNeurons()
network = LSHMLPClassifier((800,), density=0.1, learning_rate_init=0.003, random_state=0)
network.set_callbacks(watch).fit(X_train, y_train, X_val=X_test, y_val=y_test)
print(f"stopped after {network.n_iter_} epochs, test accuracy {network.score(X_test, y_test):.3f}")

changes = np.abs(watch.pictures[-1] - watch.pictures[0]).sum(axis=1)
neurons = np.argsort(-changes)[:6]  # those that learnt most
shown = [0, len(watch.pictures) // 3, len(watch.pictures) - 1]
figure, axes = plt.subplots(len(shown), 6, figsize=(8, 4), layout="constrained")
for row, epoch in zip(axes, shown, strict=True):
    for ax, picture in zip(row, watch.pictures[epoch][neurons], strict=True):
        ax.imshow(picture.reshape(8, 8), cmap="RdBu_r", vmin=-0.5, vmax=0.5)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"epoch {epoch + 1}")
figure.suptitle("What six neurons look for")

# %%
# The curves are kept in any case
# -------------------------------

TrainingCurveDisplay.from_estimator(network)
plt.show()
