"""The gallery's order: what a newcomer should see first comes first, new examples last."""

ORDER = [
    "plot_digits.py",
    "plot_icd_coding.py",
    "plot_fashion_mnist.py",
    "plot_density.py",
    "plot_regression.py",
    "plot_grid_search.py",
    "plot_halving_search.py",
    "plot_sparse_pipeline.py",
    "plot_multilabel_text.py",
    "plot_word_forms.py",
    "plot_callbacks.py",
    "plot_stream.py",
    "plot_threads.py",
]


def key(file_name):
    """Place of an example in the gallery."""
    place = ORDER.index(file_name) if file_name in ORDER else len(ORDER)
    return f"{place:02} {file_name}"
