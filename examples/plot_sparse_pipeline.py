"""
A pipeline of sparse features
=============================

Diagnoses are sorted into some 1,900 categories, from words and from pieces of words, weighed
against each other by a search. Features stay sparse from end to end, and so does the work: the
first layer reads only the weights of the non-zeros.
"""

# %%
# Words, and pieces of words
# --------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm, split_keeping_classes

texts, codes = load_icd10cm()
categories = np.array([code[:3] for code in codes])
chosen = np.random.default_rng(0).permutation(len(texts))[:12_000]
texts, categories = texts[chosen], categories[chosen]
train, test = split_keeping_classes(categories, test_size=0.2, random_state=0)

features = FeatureUnion(
    [
        ("words", TfidfVectorizer(dtype=np.float32)),
        ("pieces", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), dtype=np.float32)),
    ]
)
# A few epochs, without similar texts: it is features that are compared.
network = LSHMLPClassifier(output_density=256, max_iter=5, n_neighbors=None, random_state=0)
pipeline = Pipeline([("features", features), ("network", network)])

# %%
# How much weight pieces should have
# ----------------------------------
# A part of the training texts is held out, in place of folds: many of these would lack a category.

fit_on, score_on = split_keeping_classes(categories[train], test_size=0.3, random_state=1)
weights = [{"words": 1, "pieces": weight} for weight in (0, 0.3, 1)]
search = GridSearchCV(pipeline, {"features__transformer_weights": weights}, cv=[(fit_on, score_on)])
search.fit(texts[train], categories[train])
X = search.best_estimator_[0].transform(texts[test])
print(f"{X.shape[1]:,} features, {X.nnz / X.shape[0]:.0f} non-zeros a text, {X.dtype}")
print(f"accuracy on held-out texts: {search.score(texts[test], categories[test]):.3f}")

# %%

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
names = ["words alone", "pieces at 0.3", "pieces at 1"]
bars = axes.barh(names, search.cv_results_["mean_test_score"])
axes.bar_label(bars, fmt="%.3f", padding=3)
axes.set(xlabel="accuracy on the validation texts", xlim=(0, 1))
axes.invert_yaxis()

# %%
# Typing errors
# -------------
# Pieces of words know what words do not.

for text in ("fracture of femur", "fractrue of femurr", "cataract", "catarct"):
    print(f"{text:24} {search.predict([text])[0]}")
plt.show()
