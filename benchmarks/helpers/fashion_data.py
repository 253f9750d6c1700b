"""Fashion-MNIST: training rows, and those that accuracy is measured on."""

from sklearn_lsh.datasets import fetch_mnist

# Training rows that are held out for choosing settings.
N_VALIDATION = 10_000


def load(*, validation, quick):
    """Load (X, y), (X_held_out, y_held_out); for choosing settings all from the training rows."""
    X, X_held_out, y, y_held_out = fetch_mnist()
    if validation:
        X_held_out, y_held_out = X[-N_VALIDATION:], y[-N_VALIDATION:]
        X, y = X[:-N_VALIDATION], y[:-N_VALIDATION]
    if quick:
        return (X[:3000], y[:3000]), (X_held_out[:500], y_held_out[:500])
    return (X, y), (X_held_out, y_held_out)
