"""
Many labels for each text
=========================

A diagnosis stands on several levels of ICD-10-CM at once: in a chapter, in a block of categories,
in a category, in a subcategory. Here a network learns all of them as labels, thousands in all, from
a sparse label indicator matrix that is never made dense.
"""

# %%
# Texts and their labels
# ----------------------

import warnings

import matplotlib.pyplot as plt
import numpy as np
import simple_icd_10_cm as icd
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given on purpose

texts, codes = load_icd10cm()
rng = np.random.default_rng(0)
order = rng.permutation(len(texts))[:18_000]
texts, codes = texts[order], codes[order]
labels = [{code, code[:3], *icd.get_ancestors(code[:3])} for code in codes]
binarizer = MultiLabelBinarizer(sparse_output=True)
Y = binarizer.fit_transform(labels).tocsr()
print(f"{Y.shape[1]:,} labels, {Y.sum() / Y.shape[0]:.1f} a text")
print(texts[0], sorted(labels[0]))

# %%
# Train
# -----
# Each label is a question of its own: yes or no. 256 of them are active for a text.

train, test = slice(15_000), slice(15_000, None)
vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
X_train, X_test = vectorizer.fit_transform(texts[train]), vectorizer.transform(texts[test])
network = LSHMLPClassifier(
    (256,),
    output_density=256,
    learning_rate_init=0.005,
    max_iter=6,
    random_state=0,
    n_jobs=2,
    verbose=True,
)
network.fit(X_train, Y[train])
predicted = network.predict(X_test)
print(f"{predicted.nnz / predicted.shape[0]:.1f} labels predicted for a text")

# %%
# Right by level
# --------------
# What is predicted is mostly right, and the higher the level, the more of it is found. That is as
# it should be: the higher the level, the more texts there were to learn from.

levels = {
    "chapter": [len(label) <= 2 for label in binarizer.classes_],
    "block": ["-" in label for label in binarizer.classes_],
    "category": [len(label) == 3 for label in binarizer.classes_],
    "subcategory": ["." in label for label in binarizer.classes_],
}
precision, recall = [], []
for columns in levels.values():
    given, found = Y[test][:, np.flatnonzero(columns)], predicted[:, np.flatnonzero(columns)]
    right = given.multiply(found).sum()
    precision.append(right / max(1, found.sum()))
    recall.append(right / given.sum())

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
places = np.arange(len(levels))
for shift, values, name in ((-0.2, precision, "precision"), (0.2, recall, "recall")):
    axes.bar_label(axes.bar(places + shift, values, 0.38, label=name), fmt="%.2f", fontsize="small")
names = [f"{name}\n({sum(columns):,} labels)" for name, columns in levels.items()]
axes.set_xticks(places, names)
axes.set(ylim=(0, 1.05))
axes.legend(loc="lower left")
plt.show()
