"""Objects become JSON and arrays, and the same objects again; nothing else is made."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import Pattern
from sklearn_lsh.estimators.history import History
from sklearn_lsh.hashing import SimHash
from sklearn_lsh.streaming.state import Decoder, Encoder, find_class


def again(value):
    encoder = Encoder()
    root = encoder.encode(value)
    entries, root = json.loads(json.dumps([encoder.entries, root]))
    return Decoder(entries, encoder.arrays).decode(root)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**70), 0.1, float("inf"), "text", [1, [2.5, None]], (1, "a")),
        *({1, 2}, {"a": 1, 3: (4,)}, frozenset({1}), [], {}, ()),
    ],
)
def test_plain_values(value):
    found = again(value)
    assert found == value
    assert type(found) is type(value)


def test_numbers_of_numpy():
    for value in (np.float32(0.1), np.int64(3), np.bool_(True), np.str_("a"), np.float64("nan")):
        found = again(value)
        assert type(found) is type(value)
        np.testing.assert_equal(found, value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64, "U3", ">f4"])
def test_arrays(order, dtype):
    value = np.asarray(np.arange(6).reshape(2, 3), dtype, order=order)
    found = again(value)
    np.testing.assert_array_equal(found, value)
    assert found.dtype == value.dtype
    assert found.flags.f_contiguous == value.flags.f_contiguous


def test_arrays_of_objects():
    value = np.array([["a", 3], [None, 1.5]], dtype=object)
    found = again(value)
    assert found.dtype == object
    assert found.tolist() == value.tolist()


def test_sparse_arrays():
    value = sp.random_array((4, 5), density=0.5, rng=0, format="csr", dtype=np.float32)
    found = again(value)
    assert isinstance(found, sp.csr_array)
    assert found.dtype == value.dtype
    assert (found != value).nnz == 0


def test_generators_go_on():
    value = np.random.RandomState(0)
    value.normal(size=3)
    found = again(value)
    np.testing.assert_array_equal(found.normal(size=5), value.normal(size=5))


def test_what_is_shared_is_shared_again():
    rng, array = np.random.RandomState(0), np.arange(3)
    first, second, third = again([rng, {"rng": rng, "array": array}, array])
    assert first is second["rng"]
    assert third is second["array"]
    loop = []
    loop.append(loop)
    found = again(loop)
    assert found[0] is found


def test_objects_of_the_package():
    family = SimHash(n_bits=5, random_state=np.random.RandomState(3)).fit(np.eye(4))
    found = again([family, Pattern(np.arange(3), np.arange(2)), History()])
    np.testing.assert_array_equal(found[0].transform(np.eye(4)), family.transform(np.eye(4)))
    assert isinstance(found[1], Pattern)
    assert found[1].n_pairs == 2
    assert vars(found[2]).keys() == vars(History()).keys()


class Other:
    """Of no module of the package."""


@pytest.mark.parametrize("value", [Other(), print, Other, object(), 1j, b"bytes", slice(3)])
def test_others_are_refused(value):
    with pytest.raises(TypeError, match="A checkpoint cannot have an object of type"):
        Encoder().encode([value])


@pytest.mark.parametrize(
    "name",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("sklearn_lsh.stored", "refuse"),  # no class
        ("sklearn_lsh.stored", "np"),
        ("sklearn_lsh.stored", "csr_array"),  # of another module
        ("sklearn_lsh.no_such_module", "A"),
        ("sklearn_lsh.stored", "Stored.__init__"),
    ],
)
def test_only_classes_of_the_package_are_found(name):
    with pytest.raises(ValueError, match="there is no class"):
        find_class(name)
    with pytest.raises(ValueError, match="there is no class"):
        Decoder([["object", name, []]], {}).decode({"at": 0})


def test_other_kinds_are_refused():
    with pytest.raises(ValueError, match="no kind of object 'call'"):
        Decoder([["call", "print", []]], {}).decode({"at": 0})
