"""The diagnoses of ICD-10-CM as most studies use them: tf-idf rows and class numbers."""

from helpers import label_sets

# Neurons of each hidden layer.
HIDDEN = (128,)
# scikit-learn's network gets so many mini-batches at a time, see `training.train_dense`.
PART = 10


def load(*, validation, quick):
    """Load (X, y), (X_held_out, y_held_out), see `label_sets.load`."""
    train, held_out = label_sets.load("icd", validation=validation, quick=quick)
    return tuple((X, Y.indices) for X, Y in (train, held_out))
