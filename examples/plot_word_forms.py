"""
From word forms to lemmas
=========================

"Mice", "went" and "happiest" are forms of "mouse", "go" and "happy". Here a network learns the
lemmas of English words from the letters of some of their forms, and is asked for that of forms
which it has not seen: 5,000 classes, and about three rows to learn each from. The word list comes
with the package ``lemminflect``.
"""

# %%
# The data
# --------
# Lemmas with at least four forms, of which one is held out.

import csv
import gzip
from collections import defaultdict
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import split_keeping_classes

forms_of = defaultdict(set)
with gzip.open(files("lemminflect") / "resources" / "lemma_lu.csv.gz", "rt") as file:
    for form, _, *lemmas in csv.reader(file):
        forms_of[lemmas[0]].add(form)
pairs = [
    (form, lemma) for lemma, forms in forms_of.items() for form in sorted(forms) if len(forms) >= 4
]
forms, lemmas = (np.array(column) for column in zip(*pairs, strict=True))
train, test = split_keeping_classes(lemmas, test_size=0.2, random_state=0)
print(f"{len(np.unique(lemmas)):,} lemmas, {len(train):,} forms to learn from, {len(test):,} asked")

# %%
# Letters in, lemmas out
# ----------------------
# The network's settings follow from the data. It also tries to ask the most similar forms for their
# lemmas. Where that is no better than the network alone, it is left, and ``blend_`` is None.

pipeline = make_pipeline(
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32),
    LSHMLPClassifier(random_state=0, n_jobs=2, verbose=True),
)
pipeline.fit(forms[train], lemmas[train])
predicted = pipeline.predict(forms[test])
right = predicted == lemmas[test]
print(f"blend: {pipeline[-1].blend_}")
print(f"{right.mean():.1%} of the forms traced back to their lemmas")
for i in np.flatnonzero(~right)[:5]:
    print(f"  {forms[test][i]} is taken for a form of {predicted[i]}, not of {lemmas[test][i]}")

# %%
# Which forms are hard
# --------------------
# Forms that begin as their lemma does are found; those that have little in common with the forms
# that were learnt from are not.


def common_start(a, b):
    """Number of letters with which both begin."""
    n = min(len(a), len(b))
    return next((i for i in range(n) if a[i] != b[i]), n)


shared = np.array([common_start(a, b) for a, b in zip(forms[test], lemmas[test], strict=True)])
lengths = range(1, 11)
shares = [right[shared == n].mean() if (shared == n).any() else np.nan for n in lengths]
figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.bar(lengths, shares)
axes.set(xlabel="letters that form and lemma begin with", ylabel="accuracy", ylim=(0, 1.05))
axes.set_xticks(lengths)
plt.show()
