"""
How few neurons are enough: a grid search over the density
==========================================================

How many neurons of a layer have to be active depends on the data. `density` is a parameter like
any other, so that scikit-learn's searches find it, here within a pipeline. `selection` is
searched, too: neurons from hash tables, and neurons at random, which is what hashing has to beat.
"""

# %%
# The search
# ----------

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_lsh import LSHMLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given on purpose

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

network = LSHMLPClassifier((400,), learning_rate_init=0.01, max_iter=10, random_state=0)
pipeline = Pipeline([("scale", MinMaxScaler()), ("network", network)])
densities, selections = [0.05, 0.2, 1.0], ["lsh", "random"]
grid = {"network__density": densities, "network__selection": selections}
search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
print("best:", search.best_params_)
print(f"accuracy in cross-validation: {search.best_score_:.3f}")
print(f"accuracy on the test set: {search.score(X_test, y_test):.3f}")

# %%
# What it found
# -------------
# Bars are the standard deviations over the folds. Time is not saved here: a layer of 400 neurons
# on 64 pixels costs so little that looking neurons up takes longer than computing all of them.

scores, spreads, seconds = (
    np.array(search.cv_results_[key]).reshape(len(densities), len(selections))
    for key in ("mean_test_score", "std_test_score", "mean_fit_time")
)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for i, selection in enumerate(selections):
    left.errorbar(densities, scores[:, i], spreads[:, i], marker="o", capsize=3, label=selection)
    right.plot(densities, seconds[:, i], marker="o", label=selection)
left.set(xscale="log", xlabel="density", ylabel="accuracy in cross-validation")
right.set(xscale="log", xlabel="density", ylabel="seconds to fit")
left.legend(title="selection")
plt.show()
