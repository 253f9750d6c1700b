"""The package's sources as syntax trees, and what they import."""

import ast
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "sklearn_lsh"


class Source(NamedTuple):
    """A Python file: its name as a module, where it stands, its text as a tree."""

    module: str
    path: Path
    tree: ast.Module

    @property
    def room(self):
        """The folder of the package, or the module beside the folders, that it belongs to."""
        return room_of(self.module)

    def at(self, node):
        """Where to look, as editors and terminals understand it."""
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


class Import(NamedTuple):
    """An imported module, and the statement that imports it."""

    module: str
    node: ast.AST


def room_of(module):
    """The room of a module of the package; the package's own ``__init__`` is a room, too."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def read_sources(folder):
    """All Python files below a folder of the repository, in order."""
    sources = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources.append(Source(module, path, ast.parse(path.read_text())))
    return sources


def imports_of(source, modules):
    """What a file imports; of ``from a import b`` module ``a.b``, if it is one of ``modules``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, source)
            for alias in node.names:
                member = f"{base}.{alias.name}"
                yield Import(member if member in modules else base, node)
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            yield Import(node.args[0].value, node)


def _base_of(node, source):
    """The module that names are imported from, where it is given relative to the file, too."""
    if not node.level:
        return node.module
    package = source.module.split(".")
    if source.path.stem != "__init__":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *filter(None, [node.module])])


def _imports_by_name(call):
    """Whether it is ``pytest.importorskip("...")`` or ``importlib.import_module("...")``."""
    name = getattr(call.func, "attr", None)
    by_name = name in ("importorskip", "import_module") and call.args
    return by_name and isinstance(call.args[0], ast.Constant)
