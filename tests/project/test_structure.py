"""The package stays readable: short modules, short functions, calls whose arguments can be told
apart, and every module has a test."""

import ast

from ..support.sources import PACKAGE, imports_of, read_sources

# Lines of a module, everything counted.
LONGEST_MODULE = 500
# Lines of a function without its decorators and its docstring.
LONGEST_FUNCTION = 60
# Positional arguments of a call; a starred one counts as one.
MOST_POSITIONAL = 8

# Constructors take every parameter by its name and store it, as scikit-learn's convention wants.
LONG_FUNCTIONS = {
    "LSHMLPClassifier.__init__",
    "LSHMLPRegressor.__init__",
}

SOURCES = read_sources(PACKAGE)
MODULES = {source.module for source in SOURCES}


def functions_of(tree, prefix=""):
    """All functions of a tree with their names, classes and outer functions in front."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}", node
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from functions_of(node, f"{prefix}{node.name}." if named else prefix)


def length_of(function):
    """Lines of a function from its ``def`` on, without its docstring."""
    n_lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        n_lines -= docstring.end_lineno - docstring.lineno + 1
    return n_lines


def test_modules_are_short():
    lengths = {source.path: len(source.path.read_text().splitlines()) for source in SOURCES}
    assert not {str(path): n for path, n in lengths.items() if n > LONGEST_MODULE}


def test_functions_are_short():
    long = {
        f"{source.at(function)} {name}": length_of(function)
        for source in SOURCES
        for name, function in functions_of(source.tree)
        if length_of(function) > LONGEST_FUNCTION and name not in LONG_FUNCTIONS
    }
    assert not long


def test_exceptions_are_needed():
    found = {
        name: length_of(function)
        for source in SOURCES
        for name, function in functions_of(source.tree)
        if name in LONG_FUNCTIONS
    }
    assert found.keys() == LONG_FUNCTIONS
    assert min(found.values()) > LONGEST_FUNCTION


def passes_on(function):
    """The call of a kernel that only gives another one its own arguments, or None.

    So an export gets its types: ``return step_rows(adam, groups, ...)``. What calls it is counted.
    """
    statement = function.body[0]
    if not (isinstance(statement, ast.Return) and isinstance(statement.value, ast.Call)):
        return None
    own = [argument.arg for argument in function.args.args]
    given = [getattr(argument, "id", None) for argument in statement.value.args]
    return statement.value if given[1:] == own else None


def calls_of(source):
    """All calls of a module, but for those of kernels that `passes_on` finds."""
    passed_on = set()
    if source.room == "kernels":
        passed_on = {passes_on(function) for _, function in functions_of(source.tree)}
    return [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and node not in passed_on
    ]


def test_arguments_can_be_counted():
    wrong = []
    for source in SOURCES:
        for call in calls_of(source):
            if len(call.args) > MOST_POSITIONAL:
                wrong.append(f"{source.at(call)} has {len(call.args)} positional arguments")
            if sum(isinstance(argument, ast.Starred) for argument in call.args) > 1:
                wrong.append(f"{source.at(call)} has more than one starred argument")
    assert not wrong, "\n".join(wrong)


def exported_by():
    """Where a package has its names from: (package, name) -> module or package."""
    return {
        (source.module, alias.asname or alias.name): node.module
        for source in SOURCES
        if source.path.stem == "__init__"
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    }


def test_every_module_is_imported_by_a_test():
    """Itself, or one of its names from the package that exports it.

    Kernels are loaded by name, in all variants: `tests/kernels` sees to them.
    """
    exported = exported_by()
    tested = set()
    for source in read_sources("tests"):
        for found in imports_of(source, MODULES):
            tested.add(found.module)
            for alias in getattr(found.node, "names", []):
                module = found.module
                while module := exported.get((module, alias.name)):
                    tested.add(module)
    kernels = {module for module in MODULES if module.startswith(f"{PACKAGE}.kernels.")}
    assert sorted(MODULES - tested - kernels) == []


def test_a_class_name_means_one_thing():
    places = {}
    for source in SOURCES:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(source.module)
    assert not {name: found for name, found in places.items() if len(found) > 1}
