"""Codes, tables and answers are the same in all array libraries, and on the compiled path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_lsh.hashing import DWTA, E2LSH, WTA, LSHTables, MinHash, SimHash, SimpleLSH, arrays

from ..support.kernel_cases import quick, seeds

quick = settings(quick, max_examples=12)

pytest.importorskip("array_api_compat")
LIBRARIES = ["array_api_strict", "torch", "jax.numpy", "cupy"]
FAMILIES = [
    SimHash(5, 3),
    SimHash(9, 2, projections="sparse"),
    WTA(4, 3),
    WTA(3, 2),
    DWTA(4, 3),
    MinHash(5, 3),
    MinHash(9, 3, n_hashes=1),
    E2LSH(5, 3, width=0.7),
    E2LSH(9, 2, n_hashes=1, width=0.02),
    SimpleLSH(4, 3),
    SimpleLSH(4, 3, n_ranges=3),
]


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request):
    """Module of a library, with ``asarray``."""
    return pytest.importorskip(request.param)


def as_numpy(array):
    return np.array(arrays.to_numpy(array))


def assert_same(theirs, ours, library):
    """An array of a library has the values of one of NumPy's, and codes their type, too."""
    __tracebackhide__ = True
    assert type(theirs) is type(library.asarray([1]))
    theirs = as_numpy(theirs)
    if ours.dtype != np.uint32:
        assert theirs.dtype == ours.dtype
    np.testing.assert_array_equal(theirs, ours)


@st.composite
def matrices(draw):
    """Vectors with zeros, duplicates, empty rows, ties, great and tiny values."""
    # Few shapes, because JAX compiles anew for each.
    n_samples, n_features = draw(st.sampled_from([1, 6])), draw(st.sampled_from([1, 3, 300]))
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(["normal", "integers", "wide", "positive"]))
    X = rng.normal(size=(n_samples, n_features))
    if kind == "integers":
        X = rng.integers(-2, 3, size=X.shape).astype(float)
    elif kind == "wide":
        X *= 10.0 ** rng.integers(-44, 1, size=X.shape)
    elif kind == "positive":
        X = np.abs(X)
    X *= rng.random(X.shape) < draw(st.sampled_from([0.1, 0.7, 1.0]))
    X[rng.random(n_samples) < 0.2] = 0
    return X[rng.integers(n_samples, size=n_samples)].astype(np.float32)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: repr(family))
@given(X=matrices(), seed=st.integers(0, 99))
@quick
def test_codes(library, family, X, seed):
    family = clone(family).set_params(random_state=seed).fit(X)
    codes, queries = family.transform(X), family.transform_queries(X)
    there = library.asarray(X)
    assert_same(family.transform(there), codes, library)
    assert_same(family.transform_queries(there), queries, library)
    assert_same(clone(family).fit(there).transform(there), codes, library)


def test_many_vectors(library, monkeypatch):
    monkeypatch.setattr("sklearn_lsh.hashing.base.CHUNK_ROWS_OF_ARRAYS", 64)
    X = np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)
    for family in FAMILIES:
        fitted = clone(family).set_params(random_state=0).fit(X)
        assert_same(fitted.transform(library.asarray(X)), fitted.transform(X), library)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: repr(family))
def test_similarities(library, family):
    X, Y = np.abs(np.random.default_rng(1).normal(size=(2, 9, 5))).astype(np.float32)
    family = clone(family).set_params(random_state=0).fit(X)
    similarity = family.similarity(X, Y)
    theirs = family.similarity(library.asarray(X), library.asarray(Y))
    np.testing.assert_allclose(as_numpy(theirs), similarity, rtol=1e-5)
    probability = family.collision_probability(theirs)
    assert type(probability) is type(library.asarray([1]))
    np.testing.assert_allclose(
        as_numpy(probability), family.collision_probability(similarity), rtol=1e-4
    )


@given(
    n_rows=st.sampled_from([0, 1, 30]),
    n_queries=st.sampled_from([0, 4]),
    n_probes=st.integers(1, 2),
    n_tables=st.sampled_from([1, 5]),
    n_buckets=st.sampled_from([1, 2, 8]),
    owned=st.booleans(),
    capacity=st.sampled_from([None, 1, 3]),
    seed=seeds,
)
@settings(quick, max_examples=8)
def test_tables(library, n_rows, n_queries, n_probes, n_tables, n_buckets, owned, capacity, seed):
    rng = np.random.default_rng(seed)

    def draw_codes(*shape):
        codes = rng.integers(n_buckets, size=(*shape, n_tables)).astype(np.uint8)
        return codes, library.asarray(codes)

    owners = rng.integers(9, size=n_rows).astype(np.int32)
    ours, theirs = (
        LSHTables(
            codes,
            n_buckets,
            *((as_given(owners), 9) if owned else ()),
            capacity=capacity,
            seed=seed,
        )
        for codes, as_given in zip(draw_codes(n_rows), (np.asarray, library.asarray), strict=True)
    )

    def compare():
        assert ours.n_rows == theirs.n_rows
        assert_same(theirs.indptr, ours.indptr, library)
        assert_same(theirs.members, ours.members, library)
        queries = draw_codes(n_queries, n_probes)
        n_wanted = int(rng.integers(ours.n_rows + 1))
        fill_from = int(rng.integers(-1, max(1, ours.n_rows)))
        for answer in (
            lambda tables, codes: tables.query(codes),
            lambda tables, codes: tables.most_collisions(codes, n_wanted),
            lambda tables, codes: tables.most_collisions(codes, n_wanted, fill_from),
            lambda tables, codes: tables.most_collisions(codes, n_wanted, min_shared=2),
            lambda tables, codes: tables.buckets(codes),
        ):
            pairs = zip(answer(theirs, queries[1]), answer(ours, queries[0]), strict=True)
            for there, here in pairs:
                assert_same(there, here, library)
        for there, here in zip(theirs.statistics(), ours.statistics(), strict=True):
            np.testing.assert_array_equal(there, here)

    compare()
    codes = draw_codes(4)
    ours.insert(codes[0])
    theirs.insert(codes[1])
    compare()
    rows = rng.choice(ours.n_rows, min(3, ours.n_rows), replace=False)
    ours.delete(rows)
    theirs.delete(library.asarray(rows))
    compare()
    codes = draw_codes(2)
    ours.update(codes[0], [1, 3])
    theirs.update(codes[1], [1, 3])
    compare()


def test_tables_and_queries_of_different_libraries(library):
    codes = np.zeros((3, 2), np.uint8)
    with pytest.raises(TypeError, match="tables hold arrays of NumPy, but codes are of"):
        LSHTables(codes, 2).query(library.asarray(codes))
    with pytest.raises(TypeError, match="but codes are of NumPy"):
        LSHTables(library.asarray(codes), 2).query(codes)


def test_codes_of_no_bucket(library):
    def put(codes, dtype=np.int32):
        return library.asarray(np.array(codes, dtype))

    right = put([[0, 1], [3, 2]])
    tables = LSHTables(right, 4)
    calls = [
        tables.query,
        tables.insert,
        tables.buckets,
        lambda codes: tables.update(codes, put([0, 1])),
        lambda codes: tables.most_collisions(codes, 1),
        lambda codes: LSHTables(codes, 4),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="codes must be from 0 to 3, got codes from 0 to 4"):
            call(put([[0, 1], [4, 2]], np.uint8))
        with pytest.raises(ValueError, match="codes must be from 0 to 3, got codes from -1 to 2"):
            call(put([[0, 1], [-1, 2]]))
        with pytest.raises(TypeError, match="codes must be integers, got"):
            call(put([[0, 1], [3, 2]], np.float32))
    assert tables.n_rows == 2
    assert tables.query(right[:0, :])[1].shape == (0,)


def test_bad_input(library):
    X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    family = SimHash(random_state=0).fit(library.asarray(X))
    assert family.n_features_in_ == 3
    for bad in (np.nan, np.inf):
        wrong = X.copy()
        wrong[2, 1] = bad
        with pytest.raises(ValueError, match="NaN, infinity or a value too large"):
            family.transform(library.asarray(wrong))
    with pytest.raises(ValueError, match="2 features, but SimHash is expecting 3"):
        family.transform(library.asarray(X[:, :2]))
    with pytest.raises(ValueError, match="two dimensions"):
        family.transform(library.asarray(X[0]))
    with pytest.raises(ValueError, match="Complex"):
        family.transform(library.asarray(X.astype(np.complex64)))


def test_integers_and_doubles(library):
    X = np.random.default_rng(0).integers(-3, 4, size=(9, 3))
    family = SimHash(random_state=0).fit(X)
    codes = family.transform(X)
    assert_same(family.transform(library.asarray(X.astype(np.int32))), codes, library)
    if "jax" not in library.__name__:
        assert_same(family.transform(library.asarray(X.astype(np.float64))), codes, library)


class OnlyDLPack:
    """As much as a library without the array API standard has."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_whatever_speaks_dlpack():
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    family = SimHash(random_state=0).fit(OnlyDLPack(X))
    np.testing.assert_array_equal(family.transform(OnlyDLPack(X)), family.transform(X))


def test_gradients_are_no_hindrance():
    torch = pytest.importorskip("torch")
    X = torch.ones((2, 3), requires_grad=True)
    codes = SimHash(random_state=0).fit(X).transform(X)
    assert codes.dtype == torch.uint16
    assert not codes.requires_grad


def test_missing_package(monkeypatch):
    torch = pytest.importorskip("torch")

    def fail(name):
        raise ImportError(name)

    monkeypatch.setattr(arrays.importlib, "import_module", fail)
    with pytest.raises(ImportError, match="pip install array-api-compat"):
        SimHash().fit(torch.ones((2, 3)))
