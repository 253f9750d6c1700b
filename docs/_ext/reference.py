"""The API reference: a page for every public name, found in the package itself."""

import importlib
import inspect
from pathlib import Path

# Modules with public names, and what a reader should know of each. A module that is not there
# (yet), or needs a package that is not, is left out.
MODULES = {
    "sklearn_lsh": ("Networks", "The estimators, and what a bug report should say."),
    "sklearn_lsh.streaming": (
        "Streams",
        "Sources of [data larger than memory](../user_guide/larger_than_memory.md), in blocks.",
    ),
    "sklearn_lsh.distributed": (
        "Many machines",
        "Training [by many workers](../user_guide/distributed.md): Dask's, or any executor's.",
    ),
    "sklearn_lsh.distributed.dask": (
        "Dask",
        "Estimators for Dask's arrays and data frames, imported only when wanted.",
    ),
    "sklearn_lsh.hashing": (
        "Hashing",
        "Locality-sensitive hash families, tables and a sampler, usable without any network.",
    ),
    "sklearn_lsh.memory": (
        "Memory",
        "A classifier that learns classes from a single example each, and new ones at any time.",
    ),
    "sklearn_lsh.torch": (
        "PyTorch",
        "An output layer and a memory for PyTorch, imported only when wanted.",
    ),
    "sklearn_lsh.onnx": (
        "ONNX",
        "Converters for skl2onnx, [registered by importing it](../user_guide/saving.md#onnx).",
    ),
    "sklearn_lsh.neighbors": (
        "Neighbours",
        "Nearest neighbours found by hashing, in the form of scikit-learn's.",
    ),
    "sklearn_lsh.inspection": (
        "Displays",
        "Pictures of how a network trained, of what it computes, and of hash tables.",
    ),
    "sklearn_lsh.metrics": ("Metrics", "Measures for many classes and labels."),
    "sklearn_lsh.datasets": (
        "Data",
        "A reader for files of many labels, a split, data of the examples, and images of shapes.",
    ),
}

# Packages that some modules need and an installation need not have.
OPTIONAL = {"dask", "distributed", "onnx", "skl2onnx", "torch"}

# Inherited methods that lead into scikit-learn's own guide.
SCIKIT_LEARNS = {"get_metadata_routing", "set_output"}


def public_names(module):
    """Return the public classes and functions of a module."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
        ]
    values = {name: getattr(module, name) for name in names}
    return sorted(
        name
        for name, value in values.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    )


def existing_modules():
    """Yield the modules that are there, with their names."""
    for name in MODULES:
        try:
            yield name, importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in (name, *OPTIONAL):
                raise


def write_index(app):
    """Write the page that lists everything."""
    lines = ["# API reference", ""]
    lines += ["Every public name has a page, with its parameters and an example.", ""]
    for name, module in existing_modules():
        title, text = MODULES[name]
        lines += [f"## {title}", "", text, ""]
        names = public_names(module)
        if names:
            lines += ["```{eval-rst}", f".. currentmodule:: {name}", ""]
            lines += [".. autosummary::", "   :toctree: reference", ""]
            lines += [f"   {public}" for public in names]
            lines += ["```", ""]
    folder = Path(app.srcdir, "generated")
    folder.mkdir(exist_ok=True)
    for page in folder.glob("reference/*.rst"):
        if f"   {page.stem.rpartition('.')[2]}" not in lines:
            page.unlink()  # of a name that is gone
    path = folder / "reference.md"
    text = "\n".join(lines)
    if not path.exists() or path.read_text() != text:  # else Sphinx would read it anew
        path.write_text(text)


def skip_member(app, what, name, member, skip, options):
    """Leave out methods that scikit-learn makes, such as ``set_fit_request``."""
    made = name.startswith("set_") and name.endswith("_request")
    return True if made or name in SCIKIT_LEARNS else None


def setup(app):
    """Write the list before autosummary reads it."""
    app.connect("config-inited", lambda app, config: write_index(app))
    app.connect("autodoc-skip-member", skip_member)
    return {"parallel_read_safe": True}
