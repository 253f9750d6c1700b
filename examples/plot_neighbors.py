"""
Neighbours found by hashing
===========================

`LSHNeighborsTransformer` stands where scikit-learn's `KNeighborsTransformer` does: before a
classifier, a clustering or an embedding that takes a graph of neighbours. Here it does so for
ever more samples, and for a map of handwritten digits.
"""

# %%
# A pipeline with a graph of neighbours
# -------------------------------------

import time

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, make_blobs
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline

from sklearn_lsh.neighbors import LSHNeighborsTransformer

transformers = {
    "hashed": LSHNeighborsTransformer(n_neighbors=10, random_state=0),
    "all compared": KNeighborsTransformer(n_neighbors=10, algorithm="brute"),
}
sizes = [2_000, 5_000, 10_000, 20_000]
X, y = make_blobs(sizes[-1] + 2000, 128, centers=300, cluster_std=4.0, random_state=0)
seconds = {name: [] for name in transformers}
for size in sizes:
    for name, transformer in transformers.items():
        pipeline = make_pipeline(transformer, KNeighborsClassifier(10, metric="precomputed"))
        pipeline.fit(X[:size], y[:size])
        start = time.perf_counter()
        accuracy = pipeline.score(X[-2000:], y[-2000:])
        seconds[name].append(time.perf_counter() - start)
        print(f"{size:6} rows, {name:12}: accuracy {accuracy:.3f}, {seconds[name][-1]:.2f} s")

# %%
# What `fit` decided
# ------------------
# It measured for a sample of the rows how much a search has to look at to find nine in ten of the
# nearest, and takes the least. For few rows that is all of them.

hashed = transformers["hashed"]
print({name: value for name, value in vars(hashed).items() if name.startswith("n_")})
print(f"recall {hashed.recall_:.3f}")

# %%
# A map from the graph
# --------------------
# t-SNE needs the neighbours of each sample, one more than three times as many as its perplexity.

digits, classes = load_digits(return_X_y=True)
places = make_pipeline(
    LSHNeighborsTransformer(n_neighbors=91, n_bits=8, n_tables=8, random_state=0),
    TSNE(metric="precomputed", init="random", perplexity=30, max_iter=500, random_state=0),
).fit_transform(digits)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for (name, taken), marker in zip(seconds.items(), "os", strict=True):
    left.plot(sizes, taken, marker=marker, label=name)
left.set(xlabel="rows", ylabel="seconds to classify 2,000 samples", ylim=(0, None))
left.legend()
right.scatter(*places.T, c=classes, cmap="tab10", s=4)
right.set(title="handwritten digits, placed by their neighbours", xticks=[], yticks=[])
plt.show()
