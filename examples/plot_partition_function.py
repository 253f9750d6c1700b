"""
Sampling a partition function
=============================

A softmax over many classes divides by its partition function, the sum of the exponentials of all
scores. Nearly all of it comes from a few classes, if the weights are trained. Hash tables find
these, with known probabilities, and so the sum can be estimated without bias from a few dozen
classes.
"""

# %%
# A trained output layer
# ----------------------
# A network learns which of 1,000 points a noisy sample is from. Its output layer has a row for each
# class, to which we append its bias, and a 1 to what the hidden layer answers.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.hashing import LSHSampler, SimHash
from sklearn_lsh.inspection import BucketOccupancyDisplay, CollisionProbabilityDisplay

rng = np.random.default_rng(0)
y = np.repeat(np.arange(1000), 5)
X = rng.normal(size=(1000, 12))[y] + 0.4 * rng.normal(size=(len(y), 12))
network = LSHMLPClassifier(
    (24,), batch_size=200, learning_rate_init=0.01, output_density=1.0, random_state=0
)
for _ in range(6):
    network.partial_fit(X, y, classes=range(1000))
print(f"accuracy {network.score(X, y):.1%}")

rows = np.column_stack([network.coefs_[1].T, network.intercepts_[1]])
hidden = np.maximum(X[::50] @ network.coefs_[0] + network.intercepts_[0], 0)
queries = np.column_stack([hidden, np.ones(len(hidden))])
log_partition = np.log(np.exp(queries @ rows.T).sum(axis=1))

# %%
# How often codes agree
# ---------------------
# The sampler's weights are the inverse of the probability that a row is found. So the formula
# has to be right, for these very rows, and the buckets should not be too uneven.

family = SimHash(n_bits=5, n_tables=20, random_state=0).fit(rows)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
CollisionProbabilityDisplay.from_estimator(family, rows, random_state=0, ax=left)
BucketOccupancyDisplay.from_estimator(family, rows, ax=right)
plt.show()

# %%
# Estimates
# ---------
# Each draw of the hash functions gives an estimate for each query. They are unbiased over these
# draws, and so their mean comes closer the more draws there are. Uniformly drawn classes are
# unbiased, too, but they mostly miss the few that matter.

n_draws, ratios, n_sampled = 100, {}, []
exact = np.exp(log_partition)
sampler = LSHSampler(SimHash(n_bits=5, n_tables=20), random_state=0).fit(rows)
for method in ("union", "tables", "draw"):
    sampler.set_params(method=method, n_draws=20)
    draws = [np.exp(sampler.redraw().log_partition(queries)) / exact for _ in range(n_draws)]
    ratios[method] = np.array(draws)
n_found = round(sampler.set_params(method="union").sample(queries).nnz / len(queries))
terms = np.exp(queries @ rows.T)
picks = (rng.choice(1000, n_found, replace=False) for _ in range(n_draws))
uniform = [terms[:, pick].sum(axis=1) * 1000 / n_found / exact for pick in picks]
ratios["uniform"] = np.array(uniform)
print(f'"union" computes {n_found} of 1,000 classes, "draw" at most 20')
for name, found in ratios.items():
    print(f"{name:8} mean {found.mean():.3f}, deviation {found.std():.2f}")

# %%
# The mean of ever more draws, averaged over the queries:

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, found in ratios.items():
    ax.plot(np.arange(1, n_draws + 1), found.mean(axis=1).cumsum() / np.arange(1, n_draws + 1))
    ax.lines[-1].set_label(name)
ax.axhline(1, color="black", linewidth=0.8)
ax.set(xlabel="draws", ylabel="estimate, share of the truth", xscale="log")
ax.legend()
plt.show()
