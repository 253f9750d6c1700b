"""
A stream of texts: learning as they come
========================================

Diagnoses come in a hundred at a time, and are to be sorted into the chapters of ICD-10-CM. Each
hundred is predicted first and learnt from afterwards, so that the accuracy is that on texts which
the network had never seen. Halfway the stream changes: texts come abbreviated, as people type
them. `partial_fit` goes on learning, and takes in chapters that it had not met before.
"""

# %%
# The stream
# ----------
# A hashing vectorizer has no vocabulary that it would have to know beforehand.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm

texts, codes = load_icd10cm()
letters = np.array([code[0] for code in codes])
rng = np.random.default_rng(0)
order = rng.permutation(len(texts))[:8_000]
texts, letters = texts[order], letters[order]


def abbreviate(text):
    """Cut words to their first four letters."""
    return " ".join(word[:4] for word in text.split())


half = len(texts) // 2
texts[half:] = [abbreviate(text) for text in texts[half:]]
print(texts[0], "...", texts[-1], sep="\n")

# %%
# Predict, then learn
# -------------------
# The rate is constant, and mini-batches are small because a hundred texts are few: both follow from
# the data. Beside it goes a network that stops learning when the texts change.

vectorizer = HashingVectorizer(n_features=2**16, ngram_range=(1, 2), dtype=np.float32)
network = LSHMLPClassifier((500,), density=0.1, random_state=0)
frozen = LSHMLPClassifier((500,), density=0.1, random_state=0)
hits, frozen_hits = [], []
for start in range(0, len(texts), 100):
    X, y = vectorizer.transform(texts[start : start + 100]), letters[start : start + 100]
    if start:
        hits.append(network.score(X, y))
        frozen_hits.append(frozen.score(X, y))
    network.partial_fit(X, y)
    if start < half:
        frozen.partial_fit(X, y)
print(f"{len(np.unique(letters[:100]))} chapters in the first hundred texts, ", end="")
print(f"{len(network.classes_)} in the end")

# %%
# Accuracy on what comes next
# ---------------------------


def smooth(values, n=10):
    """Mean of the last few values."""
    return np.convolve(values, np.ones(n) / n, mode="valid")


figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
seen = 100 * (10 + np.arange(len(smooth(hits))))
axes.plot(seen, smooth(frozen_hits), label="stopped learning", linestyle="--", color="C1")
axes.plot(seen, smooth(hits), label="goes on learning", color="C0")
axes.axvline(half, color="gray", linestyle=":", label="texts are abbreviated")
axes.set(xlabel="texts seen", ylabel="accuracy on the last thousand", ylim=(0, 1))
axes.legend()
plt.show()
