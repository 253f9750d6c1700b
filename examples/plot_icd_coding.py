"""
Coding diagnoses: a text pipeline with 12,000 classes
=====================================================

Every diagnosis has a code in ICD-10-CM, the classification that hospitals use. Here a network
learns the codes from their descriptions, and has to code descriptions that it has not seen. There
are 12,078 classes (codes cut to four characters), and half of them have a single text. A network
that computes all outputs for every sample spends nearly all of its time on those that do not
matter. `LSHMLPClassifier` computes 512 of them, which is what it does by itself with so many
classes.
"""

# %%
# The data
# --------
# The descriptions come with the package ``simple-icd-10-cm``. A tenth of the texts is held out,
# at random among those whose class keeps another text to be learnt from. So the classes with a
# single text are there to be mistaken for others, but are never asked for.

import argparse
import time
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import load_icd10cm, split_keeping_classes

parser = argparse.ArgumentParser()
parser.add_argument("--dense-epochs", type=int, default=4, help="epochs of the dense network")
n_dense_epochs = parser.parse_args().dense_epochs

texts, codes = load_icd10cm()
train, test = split_keeping_classes(codes, test_size=0.1, random_state=0)
classes, n_texts = np.unique(codes, return_counts=True)
print(f"{len(train):,} texts to learn from, {len(test):,} held out")
print(f"{len(classes):,} classes, {np.mean(n_texts == 1):.0%} of them with one text")
for i in test[:3]:
    print(f"  {codes[i]}  {texts[i]}")

# %%
# A pipeline from texts to codes
# ------------------------------
# Nothing is set but the threads: the size of mini-batches, the learning rate and the number of
# epochs follow from the data. The most similar of the training texts are asked for their codes,
# too, if some texts that are held out from the network say that this helps.

network = LSHMLPClassifier(random_state=0, n_jobs=-1, verbose=True)
pipeline = make_pipeline(
    TfidfVectorizer(sublinear_tf=True, dtype=np.float32),
    network,
)
start = time.perf_counter()
pipeline.fit(texts[train], codes[train])
seconds = time.perf_counter() - start
predicted = pipeline.predict(texts[test])
accuracy = np.mean(predicted == codes[test])
print(
    f"{accuracy:.1%} of the held-out texts coded rightly after {seconds:.1f} s of training",
    flush=True,
)

# %%
# How well a class is known
# -------------------------
# The more texts of a class there are to learn from, the better it is told from the others.

n_learnt = dict(zip(*np.unique(codes[train], return_counts=True), strict=True))
support = np.array([n_learnt[code] for code in codes[test]])
edges = [1, 2, 3, 5, 9, 17, np.inf]
names = ["1", "2", "3-4", "5-8", "9-16", "over 16"]
groups = [(low <= support) & (support < high) for low, high in pairwise(edges)]
shares = [np.mean(predicted[group] == codes[test][group]) for group in groups]

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
bars = axes.bar(names, shares)
axes.bar_label(bars, [f"{group.sum()} texts" for group in groups], fontsize="small")
axes.axhline(accuracy, color="gray", linestyle=":", label="all held-out texts")
axes.set(xlabel="texts of the class in training", ylabel="accuracy", ylim=(0, 1.05))
axes.legend()

# %%
# The dense network
# -----------------
# scikit-learn's network of the same shape, on the same features, computes all 12,078 outputs. Its
# settings did best, of a few, on a part of the training texts. It is stopped after a few
# epochs, which take longer than all of the training above: the table compares the two as far as
# each has come. ``--dense-epochs 14`` lets it train to its end, about as accurate after many times
# as long; 0 leaves it out. It is given 10 mini-batches at a time, because for all samples at once
# it would make a table of samples and classes of 5 GB. Its time is that of training alone.

BATCH = 400


def train_epoch(network, X, y, rng):
    """Train one epoch in random order."""
    order = rng.permutation(len(y))
    for rows in np.array_split(order, max(1, len(y) // (10 * BATCH))):
        network.partial_fit(X[rows], y[rows], classes=classes)


if n_dense_epochs > 0:
    X_train, X_test = (pipeline[0].transform(texts[rows]) for rows in (train, test))
    dense = MLPClassifier((128,), batch_size=BATCH, learning_rate_init=0.005, random_state=0)
    rng = np.random.default_rng(0)
    dense_seconds = 0.0
    for epoch in range(1, n_dense_epochs + 1):
        start = time.perf_counter()
        train_epoch(dense, X_train, codes[train], rng)
        dense_seconds += time.perf_counter() - start
        dense_accuracy = dense.score(X_test, codes[test])
        print(
            f"Dense, epoch {epoch}: {dense_seconds:.0f} s, accuracy {dense_accuracy:.1%}",
            flush=True,
        )
    print(f"{'':20} training  accuracy on held-out texts")
    for name, seconds_taken, share, epochs in (
        ("hashed outputs", seconds, accuracy, pipeline[1].n_iter_),
        ("all outputs (dense)", dense_seconds, dense_accuracy, n_dense_epochs),
    ):
        print(f"{name:20} {seconds_taken:6.1f} s  {share:.1%} after {epochs} epochs")

plt.show()
