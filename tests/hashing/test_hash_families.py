"""Hash families: scikit-learn's checks, collision rates against the formulas, bad input."""

import inspect
import pickle
import re

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sklearn_lsh.hashing import DWTA, E2LSH, FAMILIES, WTA, MinHash, SimHash, SimpleLSH
from sklearn_lsh.hashing.wta import agreeing_windows

CLASSES = list(FAMILIES.values())
SETTINGS = [
    *(family(random_state=0) for family in CLASSES),
    SimHash(n_bits=5, projections="sparse", random_state=0),
    SimpleLSH(n_bits=6, n_ranges=3, random_state=0),
    WTA(n_bits=3, random_state=0),
    MinHash(n_bits=4, n_hashes=1, random_state=0),
]


def name_of(family):
    changed = [v for k, v in sorted(family.get_params().items()) if k not in ("random_state",)]
    return f"{type(family).__name__}-{'-'.join(map(str, changed))}"


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks(SETTINGS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("family", CLASSES)
def test_parameters_are_validated(family):
    check_param_validation(family.__name__, family())


@pytest.mark.parametrize("family", CLASSES)
def test_parameters_are_described(family):
    body = re.split(r"^Parameters\n-+\n", inspect.cleandoc(family.__doc__), flags=re.M)[1]
    body = re.split(r"^\S.*\n-+\n", body, flags=re.M)[0]
    names = re.findall(r"^(\w+) : ", body, flags=re.M)
    assert names == list(inspect.signature(family).parameters)


# What all families share


def vectors(n_samples=300, n_features=9, seed=0):
    """Vectors of which many coordinates, and some rows, are zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) * (rng.random((n_samples, n_features)) < 0.6)
    X[::50] = 0
    return X.astype(np.float32)


families = pytest.mark.parametrize("family", SETTINGS, ids=name_of)


@families
@pytest.mark.parametrize("n_features", [1, 2, 9, 300])
def test_codes(family, n_features):
    X = vectors(n_features=n_features)
    family = clone(family).set_params(n_tables=7).fit(X)
    codes = family.transform(X)
    assert codes.shape == (300, 7)
    assert codes.dtype == (np.uint8 if family.n_buckets_ <= 256 else np.uint16) == family.code_dtype
    assert codes.max() < family.n_buckets_
    assert len(family.get_feature_names_out()) == 7
    # They depend on the vector alone: not on its company, memory layout or type.
    np.testing.assert_array_equal(family.transform(X[40:43]), codes[40:43])
    np.testing.assert_array_equal(family.transform(np.asfortranarray(X)), codes)
    np.testing.assert_array_equal(family.transform(X.astype(np.float64)), codes)
    np.testing.assert_array_equal(family.transform(X.astype(">f4")), codes)
    np.testing.assert_array_equal(family.transform(X[::2]), codes[::2])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(family)).transform(X), codes)
    frozen = X.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(family.transform(frozen), codes)
    assert family.codes(X[:0]).shape == (0, 7)


@families
def test_sparse_vectors_have_the_codes_of_dense_ones(family):
    X = vectors()
    family = clone(family).fit(X)
    codes = family.transform(X)
    canonical = sp.csr_array(X)
    unsorted = sp.csr_array(
        (canonical.data[::-1], canonical.indices[::-1], canonical.nnz - canonical.indptr[::-1]),
        shape=X.shape,
    )
    halves = sp.csr_array(
        (
            np.repeat(canonical.data / 2, 2),
            np.repeat(canonical.indices, 2),
            2 * canonical.indptr.astype(np.int64),
        ),
        shape=X.shape,
    )
    zeros = canonical.copy()
    zeros.data[::3] = 0
    for matrix, expected in (
        (canonical, codes),
        (sp.csr_matrix(canonical), codes),
        (canonical.tocsc(), codes),
        (canonical.tocoo(), codes),
        (unsorted, codes[::-1]),
        (halves, codes),
        (zeros, family.transform(zeros.toarray())),
        (canonical.astype(np.float64), codes),
    ):
        np.testing.assert_array_equal(family.transform(matrix), expected)
        refitted = clone(family).fit(matrix)
        if not isinstance(family, SimpleLSH) or expected is codes:
            np.testing.assert_array_equal(refitted.transform(matrix), expected)
    queries = family.transform_queries(X)
    np.testing.assert_array_equal(family.transform_queries(canonical), queries)
    dense, mixed = (family.similarity(X[:99], Y[99:198]) for Y in (X, canonical))
    np.testing.assert_allclose(mixed, dense)


@families
def test_random_state_decides(family):
    X = vectors()
    one, same, other = (
        clone(family).set_params(random_state=seed).fit_transform(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("scale", [2.0**-90, 0.25, 4, 2.0**100])
def test_length_plays_no_part(scale):
    X = vectors()
    for family in (SimHash, WTA, DWTA):
        fitted = family(random_state=0).fit(X)
        scaled = np.float32(scale) * X
        np.testing.assert_array_equal(fitted.transform(scaled), fitted.transform(X))


@families
def test_bad_input(family):
    X = vectors()
    family = clone(family)
    with pytest.raises(NotFittedError):
        family.transform(X)
    family.fit(X)
    for bad, message in ((np.nan, "NaN"), (np.inf, "infinity"), (1e39, "too large for float32")):
        wrong = X.astype(np.float64)
        wrong[3, 4] = bad
        for kind in (np.asarray, sp.csr_array):
            for method in (family.fit, family.transform, family.transform_queries):
                with pytest.raises(ValueError, match=message):
                    method(kind(wrong))
    with pytest.raises(ValueError, match=r"8 features, but .* is expecting 9"):
        family.transform(X[:, :8])
    with pytest.raises(ValueError, match="Expected 2D array"):
        family.transform(X[0])
    with pytest.raises(ValueError, match="same shape"):
        family.similarity(X, X[:3])
    outside = sp.csr_array(X)
    outside.indices[5] = 9
    with pytest.raises(ValueError, match="indices must be from 0 to 8"):
        family.transform(outside)


def test_vectors_beyond_the_reach_of_e2lsh():
    family = E2LSH(width=1.0).fit([[0.0, 0.0]])
    family.transform([[30_000.0, -30_000.0]])
    with pytest.raises(ValueError, match="Centre the data, or choose a larger width"):
        family.transform([[50_000.0, -50_000.0]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_e2lsh_refuses_what_diverged(value):
    """Networks code without checks what may not be finite; digits of it would never end."""
    family = E2LSH(random_state=0).fit([[0.0, 0.0]])
    for X in (np.float32([[1, value]]), sp.csr_array(np.float32([[1, value]]))):
        with pytest.raises(ValueError, match="values in X must not add up to more than"):
            family.codes(X)


def test_rows_longer_than_float32_holds():
    family = SimpleLSH(random_state=0).fit(np.full((2, 4), 3e38, np.float32))
    assert np.isfinite(family.norms_).all()


def test_too_many_hashes():
    with pytest.raises(ValueError, match=r"n_tables \* n_hashes must not be more than 2147483647"):
        MinHash(n_tables=65_535, n_hashes=65_535).fit([[1.0]])


@pytest.mark.parametrize("Family", FAMILIES.values())
def test_numbers_of_a_few_bits(Family):
    """Products of what is given in 8 bits may need more."""
    X = np.random.default_rng(0).random((5, 9))
    numbers = {"n_tables": 200, "n_bits": 8, "n_hashes": 5, "n_ranges": 4}
    numbers = {name: number for name, number in numbers.items() if name in Family().get_params()}
    small = {name: np.uint8(number) for name, number in numbers.items()}
    codes = [Family(**given, random_state=0).fit(X).transform(X) for given in (numbers, small)]
    np.testing.assert_array_equal(*codes)


@pytest.mark.parametrize("name", ["n_tables", "n_hashes"])
@pytest.mark.parametrize("Family", FAMILIES.values())
def test_numbers_that_nothing_holds_are_refused_at_once(Family, name):
    if name in Family().get_params():
        for number in (2**16, 10**12, 10**30):
            with pytest.raises(ValueError, match=f"{name}.* must be an int in the range"):
                Family(**{name: number}).fit([[1.0]])


def test_functions_that_do_not_fit_into_memory(monkeypatch):
    def run_out(*given):
        raise MemoryError

    family = SimHash(n_tables=65_535)
    monkeypatch.setattr(SimHash, "_draw_functions", run_out)
    with pytest.raises(ValueError, match=r"3 features do not fit into memory: .* n_tables=65535"):
        family.fit([[1.0, 2.0, 3.0]])
    assert not hasattr(family, "n_features_in_")


def test_too_many_ranges():
    with pytest.raises(ValueError, match=r"n_ranges \* 2\*\*n_bits must not be more than 65536"):
        SimpleLSH(n_bits=16, n_ranges=2).fit([[1.0]])


# Probabilities of collisions: ten similarities, 200,000 draws, or 50,000 where these take long


def assert_rates(agree, expected):
    """Rates are within four standard errors of what is expected.

    ``agree`` is (n_fits, n_draws, 10), or (n_draws, 10) where draws are independent.
    """
    __tracebackhide__ = True
    assert agree.size >= 500_000
    assert agree.shape[-1] == np.unique(np.round(expected, 12)).size == 10
    if agree.ndim == 2:
        errors = np.sqrt(expected * (1 - expected) / agree.shape[0])
    else:
        errors = agree.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(agree.shape[0])
    rates = agree.mean(axis=tuple(range(agree.ndim - 1)))
    deviations = np.abs(rates - expected) / np.maximum(errors, 1e-9)
    assert deviations.max() <= 4, deviations


def draws(family, x, y, n_fits, n_tables):
    """Whether codes of pairs agree, and how probable that is."""
    agree = []
    with config_context(skip_parameter_validation=True, assume_finite=True):  # so many fits
        for seed in range(n_fits):
            family.set_params(n_tables=n_tables, random_state=seed).fit(x)
            agree.append((family.transform(x) == family.transform_queries(y)).T)
    similarity = family.similarity(x, y)
    return np.array(agree), family.collision_probability(similarity)


def at_angles(n_features, seed=0):
    """Ten pairs of vectors of different lengths at angles from 0.05 to 3."""
    rng = np.random.default_rng(seed)
    x, other = rng.normal(size=(2, 10, n_features))
    angles = np.linspace(0.05, 3, 10)[:, np.newaxis]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    other -= (other * x).sum(axis=1, keepdims=True) * x
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    return 3 * x, 0.2 * (np.cos(angles) * x + np.sin(angles) * other)


@pytest.mark.parametrize("n_bits", [1, 4])
def test_rates_of_simhash(n_bits):
    x, y = at_angles(6)
    agree, expected = draws(SimHash(n_bits), x, y, 1, 200_000)
    angles = np.linspace(0.05, 3, 10)
    np.testing.assert_allclose(expected, (1 - angles / np.pi) ** n_bits, rtol=1e-6)
    assert_rates(agree[0], expected)


def test_rates_of_sparse_simhash():
    x, y = at_angles(500)
    agree, expected = draws(SimHash(1, projections="sparse"), x, y, 10, 20_000)
    assert_rates(agree.reshape(-1, 10), expected)


def similar_orders(n_features, share):
    """Pairs of vectors that are ever less alike, with a share of coordinates that are not zero."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(10, n_features))
    y = x + np.linspace(0.1, 4, 10)[:, np.newaxis] * rng.normal(size=x.shape)
    return (v * (rng.random(v.shape) < share) for v in (x, y))


@pytest.mark.parametrize(("n_bits", "share"), [(2, 1), (1, 1), (4, 1), (2, 0.6)])
def test_rates_of_wta(n_bits, share):
    x, y = similar_orders(40, share)
    agree, expected = draws(WTA(n_bits), x, y, 1, 50_000)
    assert_rates(agree[0], expected)


@pytest.mark.parametrize(("n_bits", "share"), [(2, 1), (2, 0.1), (1, 0.1)])
def test_rates_of_dwta(n_bits, share):
    x, y = similar_orders(40, share)
    if share < 1:  # equal numbers would not be borrowed quite evenly
        x, y = np.abs(x), np.abs(y)
    agree, expected = draws(DWTA(n_bits), x, y, 250, 200)
    assert_rates(agree, expected)


def test_windows_against_all_there_are():
    from itertools import permutations

    rng = np.random.default_rng(1)
    for _ in range(20):
        x, y = rng.integers(3, size=(2, 6))
        windows = np.array(list(permutations(range(6), 4)))
        same = (x[windows].argmax(axis=1) == y[windows].argmax(axis=1)).sum()
        assert agreeing_windows(x, y, 4) == pytest.approx(same / 24)


def overlapping_sets(n_features, size):
    """Pairs of sets that have ever less in common."""
    rng = np.random.default_rng(6)
    x, y = np.zeros((2, 10, n_features))
    for i, common in enumerate(np.linspace(size, 0, 10).astype(int)):
        order = rng.permutation(n_features)
        x[i, order[:size]] = 1
        y[i, order[size - common : 2 * size - common]] = 1
    return sp.csr_array(x), sp.csr_array(y)


# The fewer features, the more bins are empty, and the more hashes are taken over.
@pytest.mark.parametrize("size", [9, 40, 150])
def test_rates_of_minhash(size):
    x, y = overlapping_sets(400, size)
    agree, expected = draws(MinHash(3, n_hashes=1), x, y, 250, 200)
    np.testing.assert_allclose(expected[[0, -1]], [1, 1 / 8])
    assert_rates(agree, expected)


def test_rates_of_minhash_with_several_hashes():
    x, y = overlapping_sets(4000, 1500)
    agree, expected = draws(MinHash(10, n_hashes=2), x, y, 1000, 50)
    assert_rates(agree, expected)


@pytest.mark.parametrize(("n_hashes", "n_bits"), [(1, 16), (3, 5)])
def test_rates_of_e2lsh(n_hashes, n_bits):
    rng = np.random.default_rng(7)
    x, step = 5 * rng.normal(size=(2, 10, 6))
    step *= np.geomspace(0.1, 20, 10)[:, np.newaxis] / np.linalg.norm(step, axis=1, keepdims=True)
    agree, expected = draws(E2LSH(n_bits, n_hashes=n_hashes), x, x + step, 1, 200_000)
    assert_rates(agree[0], expected)


def test_rates_of_simple_lsh():
    x, y = at_angles(6)
    x = x * np.linspace(0.1, 1, 10)[:, np.newaxis]
    agree, expected = draws(SimpleLSH(2), x, y, 1, 200_000)
    assert_rates(agree[0], expected)


def test_rates_of_ranges():
    x, y = at_angles(6)
    x = x * np.linspace(0.1, 1, 10)[:, np.newaxis]
    family = SimpleLSH(2, 60_000, n_ranges=3, random_state=0).fit(x)
    codes, queries = family.transform(x), family.transform_queries(y)
    assert queries.shape == (10, 3, 60_000)
    own = (codes >> 2)[:, 0]
    assert (codes >> 2 == own[:, np.newaxis]).all()
    np.testing.assert_array_equal(np.sort(own), own)
    assert {3, 4} >= set(np.bincount(own, minlength=3))
    agree = (codes == queries[np.arange(10), own]).T
    assert_rates(agree, family.collision_probability(family.similarity(x, y)))


def test_simple_lsh_orders_by_inner_products():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(1000, 10)) * rng.uniform(0.1, 1, size=(1000, 1))
    queries = rng.normal(size=(20, 10))
    family = SimpleLSH(1, 500, random_state=0).fit(X)
    votes = (family.transform(X) == family.transform_queries(queries)[:, np.newaxis]).sum(axis=2)
    products = queries @ X.T
    correlations = [np.corrcoef(*pair)[0, 1] for pair in zip(votes, products, strict=True)]
    assert min(correlations) > 0.9
