"""What sphinx-gallery asks: in which order examples come, and with which arguments they run."""

from pathlib import Path

# What a newcomer should see first comes first. Examples that are not listed come last.
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
    "plot_neighbors.py",
    "plot_callbacks.py",
    "plot_stream.py",
    "plot_larger_than_memory.py",
    "plot_local_cluster.py",
    "plot_threads.py",
    "plot_partition_function.py",
    "plot_torch_output_layer.py",
    "plot_memory_in_torch.py",
]


def place(file_name):
    """Place of an example in the gallery."""
    number = ORDER.index(file_name) if file_name in ORDER else len(ORDER)
    return f"{number:02} {file_name}"


def arguments(gallery_conf, script_vars):
    """Leave out of the example on ICD-10-CM what takes minutes: the dense network."""
    is_long = Path(script_vars["src_file"]).name == "plot_icd_coding.py"
    return ["--dense-epochs", "0"] if is_long else []
