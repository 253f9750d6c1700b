"""
First steps: handwritten digits with a hashed layer
===================================================

A network with one hidden layer of 1,000 neurons learns handwritten digits. Only 5% of these
neurons compute for a picture, which is what `LSHMLPClassifier` does by itself with a layer as wide.
"""

# %%
# Train and predict
# -----------------
# As with any classifier of scikit-learn. The test digits are given to ``fit`` only to be measured
# on after each epoch.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.inspection import ActiveNeuronsDisplay, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

network = LSHMLPClassifier((1000,), learning_rate_init=0.003, tol=0.001, random_state=0)
network.fit(X_train, y_train, X_val=X_test, y_val=y_test)
print(f"{network.n_iter_} epochs, accuracy {network.score(X_test, y_test):.3f}")

# %%
# How it went
# -----------

TrainingCurveDisplay.from_estimator(network)

# %%
# Who computes
# ------------
# Each picture is seen by 50 neurons. Most of the layer is never needed: digits as small as these
# are easy, and 1,000 neurons are more than they take.

ActiveNeuronsDisplay.from_estimator(network, X_test)

# %%
# What it mistakes
# ----------------

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
predicted = network.predict(X_test)
ConfusionMatrixDisplay.from_predictions(y_test, predicted, ax=left, colorbar=False, cmap="Blues")
worst = np.flatnonzero(predicted != y_test)[:1]
right.imshow(X_test[worst[0] if len(worst) else 0].reshape(8, 8), cmap="gray_r")
right.set(title=f"taken for {predicted[worst]}, in truth {y_test[worst]}", xticks=[], yticks=[])
plt.show()
