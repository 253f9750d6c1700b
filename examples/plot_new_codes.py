"""
A stream in which new codes keep appearing
==========================================

Descriptions of diseases come in one by one, each with its code of ICD-10-CM. Some codes are known,
and a network was trained on them. Others appear as the stream goes on, and come again now and then.
A memory answers each description, and then learns it.
"""

# %%
# Known codes, and codes that come later
# --------------------------------------
# The network learns from the codes of some chapters. What it makes of texts is the memory's
# embedding: a pipeline takes texts as they are.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_lsh import HiddenActivations, LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm
from sklearn_lsh.memory import LSHMemoryClassifier

texts, codes = (np.array(each) for each in load_icd10cm())
rng = np.random.default_rng(0)
names, counts = np.unique(codes, return_counts=True)
frequent = names[counts >= 6]
held_back = rng.choice(frequent, 150, replace=False)
comes_later = np.isin(codes, held_back)
known = np.flatnonzero(~comes_later & np.isin(codes, frequent))[:4000]

vectorizer = TfidfVectorizer(dtype=np.float32, sublinear_tf=True).fit(texts[known])
network = LSHMLPClassifier((128,), random_state=0, max_iter=5, tol=0, n_neighbors=None)
network.fit(vectorizer.transform(texts[known]), codes[known])
embedding = make_pipeline(vectorizer, HiddenActivations(network))

# %%
# The stream
# ----------
# `predict_then_learn` answers each text before it is learnt.

stream = np.concatenate([rng.permutation(np.flatnonzero(comes_later)), known[:1500]])
stream = rng.permutation(stream)
texts, codes = texts[stream], codes[stream]
told = LSHMemoryClassifier(embedding=embedding, random_state=0).predict_then_learn(texts, codes)
is_right = (told == codes).filled(False)
is_new = np.isin(codes, held_back)

# %%
# How often a code is told right when it comes for the k-th time
# --------------------------------------------------------------
# The first time nobody can know it.

showing = np.array([np.count_nonzero(codes[:i] == code) for i, code in enumerate(codes)])
times = np.arange(6)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, chosen, style in (("known to the network", ~is_new, "--"), ("new", is_new, "-")):
    shares = [is_right[chosen & (showing == time)].mean() for time in times]
    axes.plot(times + 1, shares, style, marker="o", label=name)
axes.set(xlabel="time that the code comes", ylabel="share told right", ylim=(0, 1))
axes.legend(loc="lower right")
plt.show()
