"""What a bug report has to say about the machine."""

from importlib.metadata import version

import sklearn

from sklearn_lsh import kernels


def show_versions() -> None:
    """Print the versions of sklearn_lsh, its kernels and what it depends on.

    Says which variant of the compiled kernels is in use, which ones were built (from source,
    the best of that machine's processor alone), and which one of these this processor would
    get if ``SKLEARN_LSH_KERNELS`` were not set; then prints what
    :func:`sklearn.show_versions` does.

    Examples
    --------
    >>> import sklearn_lsh
    >>> sklearn_lsh.show_versions()  # doctest: +SKIP
    """
    facts = {
        "sklearn_lsh": version("sklearn_lsh"),
        "kernels in use": kernels.VARIANT,
        "kernels built": ", ".join(kernels.BUILT) or "none",
        "best for this processor": kernels.USABLE[0],
    }
    for name, fact in facts.items():
        print(f"{name:>23}: {fact}")
    sklearn.show_versions()
