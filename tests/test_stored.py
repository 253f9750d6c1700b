"""What is checked of attributes that were loaded, and what becomes of arrays."""

import copy
import pickle

import numpy as np
import pytest

from sklearn_lsh.stored import (
    Attributes,
    Stored,
    check_array,
    check_generator,
    check_pointers,
)


class Counter(Stored):
    """Counts how often it was checked."""

    n_checks = 0

    def __init__(self, array):
        self.array = array
        self.others = [self]

    def _check_stored(self):
        self.array = Attributes(self).array("array", np.float32, (None,), finite=True)
        self.n_checks += 1


def checked(array, dtype=np.float32, shape=(3,), **conditions):
    return check_array("place", array, dtype, shape, **conditions)


def test_loaded_objects_are_checked_once_and_copies_are_not():
    counter = Counter(np.ones(3, np.float32))
    assert pickle.loads(pickle.dumps(counter)).n_checks == 1
    shallow, deep = copy.copy(counter), copy.deepcopy(counter)
    assert shallow.n_checks == deep.n_checks == 0
    assert shallow.array is counter.array
    assert deep.array is not counter.array
    assert deep.others[0] is deep


@pytest.mark.parametrize("array", [np.ones(3), np.full(3, np.nan, np.float32), [1.0], None])
def test_wrong_attributes_are_refused(array):
    with pytest.raises(ValueError, match=r"Counter.array must be .* not as it was saved"):
        pickle.loads(pickle.dumps(Counter(array)))


def test_missing_attributes_are_refused():
    counter = Counter(None)
    del counter.array
    with pytest.raises(ValueError, match=r"Counter.array must be there, got 'nothing'"):
        pickle.loads(pickle.dumps(counter))


def test_a_state_is_a_dictionary():
    with pytest.raises(TypeError, match="Counter is stored as a dictionary"):
        Counter.__new__(Counter).__setstate__([1])


def test_arrays_come_out_as_kernels_read_them():
    expected = np.arange(6, dtype=np.float32).reshape(2, 3)
    unaligned = np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3)
    unaligned[...] = expected
    read_only = expected.copy()
    read_only.flags.writeable = False
    for given in (expected, np.asfortranarray(expected), expected.astype(">f4"), unaligned):
        array = checked(given, shape=(2, None))
        assert array.flags.c_contiguous
        assert array.flags.aligned
        assert array.dtype == np.float32
        assert array.dtype.isnative
        assert (array == expected).all()
    assert checked(expected, shape=(2, 3)) is expected
    assert checked(read_only, shape=(2, 3)) is read_only


def test_mapped_arrays_stay_mapped(tmp_path):
    np.save(tmp_path / "array.npy", np.ones(3, np.float32))
    for mode in ("r", "r+", "c"):
        mapped = np.load(tmp_path / "array.npy", mmap_mode=mode)
        assert np.shares_memory(checked(mapped), mapped)
        assert type(checked(mapped)) is np.ndarray


@pytest.mark.parametrize(
    ("array", "conditions", "message"),
    [
        (np.ones(3, np.int32), {"dtype": np.uint32}, "an array of uint32, got int32"),
        (np.ones((3, 1), np.float32), {}, r"of shape \(3,\), got float32 of shape \(3, 1\)"),
        (np.ones(4, np.float32), {}, r"of shape \(3,\)"),
        (np.uint32([0, 1, 5]), {"dtype": np.uint32, "below": 5}, "less than 5, got '0 to 5'"),
        (np.int64([0, 1, -5]), {"dtype": np.int64, "below": 5}, "from 0"),
        (np.int64([0, 1, -5]), {"dtype": np.int64, "least": 0}, "values from 0, got '-5 to 1'"),
        (np.float32([0, np.inf, 1]), {"finite": True}, "finite"),
        (np.float32([0, np.nan, 1]), {"finite": True}, "finite"),
    ],
)
def test_other_arrays_are_refused(array, conditions, message):
    with pytest.raises(ValueError, match=f"place must be .*{message}"):
        checked(array, **conditions)


@pytest.mark.parametrize("indptr", [[0, 2, 1, 3], [1, 2, 2, 3], [0, 1, 2, 4], [0, 1, 3]])
def test_pointers(indptr):
    check_pointers("place", np.uint32([0, 0, 2, 3]), 3, 3)
    with pytest.raises(ValueError, match="place must be"):
        check_pointers("place", np.uint32(indptr), 3, 3)


def test_generators_stand_within_their_state():
    generator = np.random.RandomState(0)
    check_generator("place", generator)
    check_generator("place", 5)
    check_generator("place", np.random.RandomState(np.random.PCG64(0)))
    state = generator.get_state(legacy=False)
    state["state"]["pos"] = 10**8  # drawing from it ends the process
    generator.set_state(state)
    with pytest.raises(ValueError, match="from 0 to 624"):
        check_generator("place", generator)


class Settings:
    """Attributes of all kinds."""

    def __init__(self, **values):
        vars(self).update(values)


@pytest.mark.parametrize(
    ("method", "right", "wrong"),
    [
        ("integer", [0, 3, np.int64(5)], [-1, 6, 2.0, True, "1", None]),
        ("number", [0, 4.5, np.float32(1)], [-1, 6, np.nan, np.inf, True, "1", None]),
    ],
)
def test_numbers(method, right, wrong):
    for value in right:
        assert getattr(Attributes(Settings(name=value)), method)("name", 0, 5) == value
    for value in wrong:
        with pytest.raises(ValueError, match=r"Settings.name must be an? \w+ from 0 to 5"):
            getattr(Attributes(Settings(name=value)), method)("name", 0, 5)


def test_choices_flags_and_parts():
    stored = Attributes(Settings(name="a", flag=np.True_, part=[1], none=None))
    assert stored.one_of("name", {"a": 1}) == "a"
    assert stored.flag("flag") is True
    assert stored.part("part", list) == [1]
    for call in (
        lambda: stored.one_of("name", ["b"]),
        lambda: stored.one_of("part", ["b"]),
        lambda: stored.flag("name"),
        lambda: stored.part("none", list),
        lambda: stored.require(False, "part", "right"),
    ):
        with pytest.raises(ValueError, match=r"Settings\.\w+ must be"):
            call()
