"""
Threads: faster, and a little different each time
=================================================

With ``n_jobs=2`` two threads take mini-batches in turn and change the shared weights without
waiting for each other. That is faster, and not repeatable: how different do networks get?
"""

# %%
# Train with one thread and with two, three times each
# ----------------------------------------------------

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm, split_keeping_classes

texts, codes = load_icd10cm()
categories = np.array([code[:3] for code in codes])
chosen = np.random.default_rng(0).permutation(len(texts))[:10_000]
X = TfidfVectorizer(sublinear_tf=True, dtype=np.float32).fit_transform(texts[chosen])
y = categories[chosen]
train, test = split_keeping_classes(y, random_state=0)

runs = {1: [], 2: []}
for n_jobs, found in runs.items():
    for _ in range(3):
        network = LSHMLPClassifier(
            (512,),
            density=0.1,
            output_density=256,
            max_iter=3,
            n_neighbors=None,  # what is timed is the network
            random_state=0,
            n_jobs=n_jobs,
        )
        start = time.perf_counter()
        network.fit(X[train], y[train])
        found.append((time.perf_counter() - start, network.score(X[test], y[test])))
        print(f"{n_jobs} threads: {found[-1][0]:.2f} s, accuracy {found[-1][1]:.4f}")

# %%
# With one thread and a ``random_state`` all runs give the same network. With two they differ, by
# about as much as networks of different seeds.

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for (n_jobs, found), marker in zip(runs.items(), "os", strict=True):
    seconds, accuracies = np.transpose(found)
    name = "1 thread" if n_jobs == 1 else f"{n_jobs} threads"
    axes.plot(seconds, accuracies, marker, label=name, markersize=9, alpha=0.7)
longest = max(seconds for found in runs.values() for seconds, _ in found)
axes.set(xlabel="seconds of training", ylabel="accuracy", xlim=(0, 1.1 * longest))
axes.legend()
plt.show()
