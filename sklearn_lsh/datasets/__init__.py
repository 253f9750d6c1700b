"""Data: a reader for many labels, splits, and data for the examples and benchmarks."""

from sklearn_lsh.datasets.copies import fetch_mnist, load_uci
from sklearn_lsh.datasets.multilabel_files import load_multilabel_file
from sklearn_lsh.datasets.omniglot import fetch_omniglot, fetch_omniglot_runs
from sklearn_lsh.datasets.shapes import make_convex, make_rectangles
from sklearn_lsh.datasets.splits import split_keeping_classes
from sklearn_lsh.datasets.texts import load_icd10cm, load_lemmas, load_wordnet

__all__ = [
    "fetch_mnist",
    "fetch_omniglot",
    "fetch_omniglot_runs",
    "load_icd10cm",
    "load_lemmas",
    "load_multilabel_file",
    "load_uci",
    "load_wordnet",
    "make_convex",
    "make_rectangles",
    "split_keeping_classes",
]
