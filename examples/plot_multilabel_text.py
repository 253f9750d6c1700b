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

import matplotlib.pyplot as plt
import numpy as np
import simple_icd_10_cm as icd
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm
from sklearn_lsh.metrics import precision_at_k

texts, codes = load_icd10cm()
rng = np.random.default_rng(0)
order = rng.permutation(len(texts))[:18_000]
texts, codes = texts[order], codes[order]
labels = [{str(code), str(code[:3]), *icd.get_ancestors(code[:3])} for code in codes]
binarizer = MultiLabelBinarizer(sparse_output=True)
Y = binarizer.fit_transform(labels).tocsr()
print(f"{Y.shape[1]:,} labels, {Y.sum() / Y.shape[0]:.1f} a text")
print(texts[0], sorted(labels[0]))

# %%
# Train
# -----
# 512 labels are active for a text. ``multilabel_loss="softmax"`` lets them compete, which suits
# a ranking. (The default asks of each label alone whether it fits.) All else follows from the data:
# the network's size, how long it learns, and that similar training texts are asked for their
# labels, too, which helps here.

train, test = slice(15_000), slice(15_000, None)
vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
X_train, X_test = vectorizer.fit_transform(texts[train]), vectorizer.transform(texts[test])
network = LSHMLPClassifier(multilabel_loss="softmax", random_state=0, n_jobs=2, verbose=True)
network.fit(X_train, Y[train])

# %%
# The first few labels of each text
# ---------------------------------

ranked, scores = network.predict_top_k(X_test, k=4)
for i in range(3):
    print(texts[test][i], "->", *binarizer.classes_[ranked[i]])
for k in (1, 2, 4):
    print(f"precision at {k}: {precision_at_k(Y[test], ranked, k=k):.3f}")

# %%
# Found by level
# --------------
# The higher the level, the more of its labels are among the first four. That is as it should be:
# the higher the level, the more texts there were to learn from.

levels = {
    "chapter": [len(label) <= 2 for label in binarizer.classes_],
    "block": ["-" in label for label in binarizer.classes_],
    "category": [len(label) == 3 for label in binarizer.classes_],
    "subcategory": ["." in label for label in binarizer.classes_],
}
rows = np.repeat(np.arange(len(ranked)), ranked.shape[1])
found = csr_array((np.ones(ranked.size), (rows, ranked.ravel())), shape=Y[test].shape)
recalls = [
    Y[test][:, np.flatnonzero(columns)].multiply(found[:, np.flatnonzero(columns)]).sum()
    / Y[test][:, np.flatnonzero(columns)].sum()
    for columns in levels.values()
]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
names = [f"{name}\n({sum(columns):,} labels)" for name, columns in levels.items()]
axes.bar_label(axes.bar(names, recalls), fmt="%.2f")
axes.set(ylabel="share found among the first four", ylim=(0, 1.05))
plt.show()
