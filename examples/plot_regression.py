"""
Regression with a wide hidden layer
===================================

`LSHMLPRegressor` in a pipeline that scales the features, with different densities of its hidden
layer. The prices of houses in California are fetched; without a network a copy of the UCI set
``elevators`` takes their place (see `sklearn_lsh.datasets.load_uci`), or else the small set on
diabetes that comes with scikit-learn.
"""

# %%
# The data
# --------

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import fetch_california_housing, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lsh import LSHMLPRegressor
from sklearn_lsh.datasets import load_uci


def load_data():
    """Return training and test data of the first set that can be had."""
    try:
        return load_uci("elevators")
    except OSError:
        pass
    try:
        X, y = fetch_california_housing(return_X_y=True, n_retries=1)
    except OSError:
        X, y = load_diabetes(return_X_y=True)
    return train_test_split(X, y, random_state=0)


X_train, X_test, y_train, y_test = load_data()
mean, scale = y_train.mean(), y_train.std()
y_train, y_test = (y_train - mean) / scale, (y_test - mean) / scale
print(X_train.shape, X_test.shape)

# %%
# The fewer neurons compute, the less an epoch costs
# --------------------------------------------------

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given on purpose
densities = (0.05, 0.1, 0.25, 1.0)
pipelines = {}
for density in densities:
    pipelines[density] = make_pipeline(
        StandardScaler(),
        LSHMLPRegressor(
            hidden_layer_sizes=(500,), density=density, max_iter=10, random_state=0, n_jobs=2
        ),
    ).fit(X_train, y_train)
    error = np.sqrt(np.mean((pipelines[density].predict(X_test) - y_test) ** 2))
    print(f"density {density}: error {error:.3f} of the targets' standard deviation")

# %%
# Losses while training, and predictions
# --------------------------------------

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for density, pipeline in pipelines.items():
    curve = pipeline[-1].loss_curve_
    left.plot(range(1, len(curve) + 1), curve, marker=".", label=f"density {density}")
left.set(xlabel="epoch", ylabel="training loss", yscale="log")
left.legend()

shown = densities[1]
right.plot(y_test, pipelines[shown].predict(X_test), ".", markersize=3, alpha=0.5)
limits = [y_test.min(), y_test.max()]
right.plot(limits, limits, color="black", linewidth=1)
right.set(xlabel="target", ylabel=f"prediction with density {shown}")
plt.show()
