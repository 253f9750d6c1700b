"""Imports go down the list of rooms in "How it works", and never round."""

import re
from graphlib import CycleError, TopologicalSorter

import pytest

from ..support.sources import PACKAGE, ROOT, imports_of, read_sources, room_of

# From the top to the bottom: a module may import from rooms that stand further down, and from its
# own one.
ROOMS = [
    "__init__",
    # Nothing but the package itself imports these.
    *("inspection", "torch", "onnx", "metrics", "datasets", "_versions"),
    # What docs/how_it_works.md says about the rooms.
    *(
        "distributed",
        "memory",
        "estimators",
        "streaming",
        "network",
        "neighbors",
        "selection",
        "weights",
    ),
    "hashing",
    # They stand beside the rooms, for all of them.
    *("inputs", "stored", "csr", "threads", "draft"),
    "kernels",
]
LEAVES = ROOMS[1 : ROOMS.index("distributed")]
# What a room does not know, though it may stand further down or outside.
UNKNOWN = {
    "streaming": ["sklearn_lsh.network", "sklearn_lsh.selection", "sklearn_lsh.weights"],
    "network": ["sklearn", "sklearn_lsh.hashing"],
    "weights": ["sklearn", "sklearn_lsh.hashing"],
}

SOURCES = read_sources(PACKAGE)
MODULES = {source.module for source in SOURCES}


def package_imports(source):
    """What a module imports from the package."""
    for found in imports_of(source, MODULES):
        if found.module.partition(".")[0] == PACKAGE:
            yield found


def test_every_module_has_its_place():
    assert {source.room for source in SOURCES} <= set(ROOMS)


def test_imports_go_down():
    wrong = []
    for source in SOURCES:
        for found in package_imports(source):
            room = room_of(found.module)
            if room != source.room and ROOMS.index(room) <= ROOMS.index(source.room):
                wrong.append(f"{source.at(found.node)} imports {found.module}, from above")
    assert not wrong, "\n".join(wrong)


def test_leaves_are_imported_by_those_who_want_them():
    wrong = []
    for source in SOURCES:
        for found in package_imports(source):
            room = room_of(found.module)
            if room in LEAVES and source.room not in (room, "__init__"):
                wrong.append(f"{source.at(found.node)} imports {found.module}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", UNKNOWN)
def test_rooms_do_not_know_everything(room):
    wrong = []
    for source in SOURCES:
        for found in imports_of(source, MODULES) if source.room == room else []:
            if any(f"{found.module}.".startswith(f"{name}.") for name in UNKNOWN[room]):
                wrong.append(f"{source.at(found.node)} imports {found.module}")
    assert not wrong, "\n".join(wrong)


def test_no_imports_go_round():
    graph = {source.module: {each.module for each in package_imports(source)} for source in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_documented_order_is_this_one():
    page = (ROOT / "docs" / "how_it_works.md").read_text()
    table = page.partition("## The rooms")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)", table, flags=re.M)
    assert len(documented) >= 6
    assert documented == [room for room in ROOMS if room in documented]
