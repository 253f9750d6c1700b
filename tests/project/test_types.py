"""Public functions and methods have type hints, for editors to show and mypy to check."""

import inspect

import pytest

from ..support.public_names import public_names


def functions(public):
    """Yield a public function, or a class's methods, properties and constructor from here."""
    if inspect.isfunction(public):
        yield public
        return
    for name, member in inspect.getmembers(public):
        function = member.fget if isinstance(member, property) else member
        ours = getattr(function, "__module__", None) or ""
        public_here = name[0] != "_" or name == "__init__"
        if inspect.isfunction(function) and public_here and ours.startswith("sklearn_lsh"):
            yield function


@pytest.mark.parametrize("public", list(public_names()))
def test_public_functions_have_hints(public):
    for function in functions(public):
        signature = inspect.signature(function)
        missing = [
            name
            for name, parameter in signature.parameters.items()
            if parameter.annotation is parameter.empty and name != "self"
        ]
        if signature.return_annotation is signature.empty:
            missing.append("return")
        assert not missing, function.__qualname__
