"""
One example of a class is enough
================================

A network learns the digits from zero to six. Then sevens, eights and nines come, a few examples of
each. A memory that is given what the network makes of images learns them from these, without any
training. It is asked about new images of the new digits, among all ten.
"""

# %%
# A network for seven digits, and a memory behind it
# --------------------------------------------------
# `HiddenActivations` is what the network passes on at its last hidden layer.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_lsh import HiddenActivations, LSHMLPClassifier
from sklearn_lsh.memory import LSHMemoryClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
old, new = np.flatnonzero(y < 7), np.flatnonzero(y >= 7)
network = LSHMLPClassifier((128,), random_state=0).fit(X[old], y[old])
embedding = HiddenActivations(network)

# %%
# Examples come one by one
# ------------------------
# Both memories know the seven old digits by 30 images each. One sees pixels, the other what the
# network makes of them. Before they learn an example, they are asked about all images of new
# digits that they do not know yet.

rng = np.random.default_rng(0)
n_examples = np.arange(1, 11)
shares = {"pixels": [], "what the network makes of them": []}
for draw in range(5):
    known = np.concatenate([rng.choice(np.flatnonzero(y == digit), 30) for digit in range(7)])
    given = np.stack([rng.choice(np.flatnonzero(y == digit), 10, False) for digit in (7, 8, 9)])
    asked = np.setdiff1d(new, given)
    for right, each in zip(shares.values(), (None, embedding), strict=True):
        memory = LSHMemoryClassifier(embedding=each, random_state=draw).fit(X[known], y[known])
        right.append([])
        for rows in given.T:
            memory.partial_fit(X[rows], y[rows])
            right[-1].append(memory.score(X[asked], y[asked]))

# %%
# How often new digits are told right
# -----------------------------------

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, right), style in zip(shares.items(), ("--", "-"), strict=True):
    axes.plot(n_examples, np.mean(right, axis=0), style, marker="o", label=name)
axes.set(xlabel="examples of each new digit", ylabel="share of new digits told right", ylim=(0, 1))
axes.legend(loc="lower right")
plt.show()
