"""
The effect of density
=====================

A hidden layer of 2,000 neurons learns handwritten digits, with all of its neurons and with ever
fewer: found by hash tables, exactly those that respond most, or at random.
"""

# %%
# Train with several densities
# ----------------------------

import time
import warnings

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given on purpose

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
densities = [0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0]
accuracies, seconds = {}, {}
for selection in ("lsh", "topk", "random"):
    for density in densities:
        network = LSHMLPClassifier(
            (2000,),
            density=density,
            selection=selection,
            learning_rate_init=0.003,
            max_iter=8,
            random_state=0,
        )
        start = time.perf_counter()
        network.fit(X_train, y_train)
        seconds[selection, density] = time.perf_counter() - start
        accuracies[selection, density] = network.score(X_test, y_test)

# %%
# Few are enough
# --------------
# Hashed neurons do nearly as well as exactly the best ones, down to a few in a hundred, and much
# better than as many at random. Time is another matter: with 64 pixels a dense layer is one small
# product, which only the lowest densities undercut. The more inputs a layer has, the more there is
# to save.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
names = {"lsh": "hashed (lsh)", "topk": "exactly the best (topk)", "random": "at random"}
for selection, marker in zip(names, "os^", strict=True):
    look = {"label": names[selection], "marker": marker}
    left.plot(densities, [accuracies[selection, density] for density in densities], **look)
    right.plot(densities, [seconds[selection, density] for density in densities], **look)
left.set(xscale="log", xlabel="density", ylabel="accuracy on held-out digits")
right.set(xscale="log", xlabel="density", ylabel="seconds to fit", ylim=(0, None))
left.yaxis.set_major_formatter(PercentFormatter(1))
for axes in (left, right):
    axes.xaxis.set_major_formatter(PercentFormatter(1))
left.legend()
plt.show()
