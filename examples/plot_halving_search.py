"""
Many settings, few of them tried for long: a halving search
===========================================================

How many neurons, how dense, how fast to learn: `HalvingGridSearchCV` gives all combinations a few
epochs, and more to those that do best. `max_iter` is the resource that it hands out.
"""

# %%
# The search
# ----------

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.inspection import DensityDisplay

warnings.simplefilter("ignore", ConvergenceWarning)  # few epochs are the idea of it

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = Pipeline(
    [("scale", MinMaxScaler()), ("network", LSHMLPClassifier((600,), random_state=0))]
)
grid = {
    "network__density": [0.02, 0.05, 0.2, 1.0],
    "network__learning_rate_init": [0.0003, 0.001, 0.003],
    "network__selection": ["lsh", "random"],
}
search = HalvingGridSearchCV(
    pipeline,
    grid,
    resource="network__max_iter",
    min_resources=2,
    max_resources=18,
    factor=3,
    cv=3,
    random_state=0,
)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print(f"accuracy on the test set: {search.score(X_test, y_test):.3f}")

# %%
# What was left after each round
# ------------------------------

results = search.cv_results_
figure, axes = plt.subplots(layout="constrained")
for selection, marker in (("lsh", "o"), ("random", "x")):
    chosen = [params["network__selection"] == selection for params in results["params"]]
    rounds, scores = results["iter"][chosen], results["mean_test_score"][chosen]
    axes.plot(rounds, scores, marker, label=f"selection={selection!r}", alpha=0.7)
labels = [
    f"{n} settings\n{epochs} epochs"
    for n, epochs in zip(search.n_candidates_, search.n_resources_, strict=True)
]
axes.set_xticks(range(len(labels)), labels)
axes.set(ylabel="mean accuracy over the folds")
axes.legend()

# %%
# Accuracy and time by density, the best setting of each
# ------------------------------------------------------

DensityDisplay.from_estimator(search)
plt.show()
