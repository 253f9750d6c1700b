"""Estimates from samples: unbiased over the draw of hash functions, and the printed form not."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.hashing import (
    DWTA,
    E2LSH,
    WTA,
    LSHSampler,
    LSHTables,
    MinHash,
    SimHash,
    SimpleLSH,
)

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
METHODS = ["union", "tables", "draw"]


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks([LSHSampler(random_state=0)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


def trained_rows():
    """Rows of a trained output layer of 100 classes, and what it is asked."""
    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(100), 5)
    X = rng.normal(size=(100, 10))[y] + 0.3 * rng.normal(size=(500, 10))
    network = LSHMLPClassifier((16,), learning_rate_init=0.02, output_density=1.0, random_state=0)
    for _ in range(12):
        network.partial_fit(X, y, classes=range(100))
    assert network.score(X, y) > 0.8
    rows = np.column_stack([network.coefs_[1].T, network.intercepts_[1]])
    hidden = np.maximum(X[::5] @ network.coefs_[0] + network.intercepts_[0], 0)
    return rows, np.column_stack([hidden, np.ones(100)])


# Length of the queries (None: a trained network), and what share the likeliest class then has.
WEIGHTS = {"peaked": (3, (0.2, 0.5)), "flat": (0.5, (0, 0.05)), "trained": (None, (0.5, 1))}


@pytest.fixture(scope="module", params=WEIGHTS)
def softmax(request):
    """A hundred rows and queries, and the exponentials of their inner products."""
    length, (least, most) = WEIGHTS[request.param]
    if length is None:
        rows, queries = trained_rows()
    else:
        rows, queries = np.random.default_rng(2).normal(size=(2, 100, 8))
        queries *= length / np.linalg.norm(queries, axis=1, keepdims=True)
    values = np.exp(queries @ rows.T)
    assert least < np.median(values.max(axis=1) / values.sum(axis=1)) < most
    return rows, queries, values


def assert_mean(estimates, truth, slack=0.0):
    """The mean over independent draws is within four standard errors of the truth."""
    __tracebackhide__ = True
    estimates = np.asarray(estimates)
    errors = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - truth) <= 4 * errors + slack).all()


def shares_of_truth(sampler, softmax, n_draws=200):
    """Estimates of sums as shares of the truth: means over the queries, draw by draw."""
    rows, queries, values = softmax
    sampler.fit(rows)
    wanted = values / values.sum(axis=1, keepdims=True)
    draws = (sampler.redraw().sample(queries) for _ in range(n_draws))
    return [weights.multiply(wanted).sum() / len(queries) for weights in draws]


@pytest.mark.parametrize("method", METHODS)
def test_unbiased(softmax, method):
    sampler = LSHSampler(SimHash(6, 10), method=method, random_state=0)
    assert_mean(shares_of_truth(sampler, softmax), 1)


def test_printed_form_is_biased(softmax):
    # It stands where it is measured for the guide.
    retrying = runpy.run_path(BENCHMARKS / "helpers" / "retrying.py")["Retrying"]
    shares = shares_of_truth(retrying(SimHash(6, 10), random_state=0), softmax)
    with pytest.raises(AssertionError):
        assert_mean(shares, 1)
    assert np.mean(shares) > 1.1


EXACT = [
    SimHash(3, 6),
    SimpleLSH(2, 6),
    SimpleLSH(2, 6, n_ranges=3),
    WTA(2, 6),
    WTA(4, 3),
    DWTA(2, 6),
    MinHash(3, 6, n_hashes=1),
    E2LSH(4, 6, n_hashes=2, width=3.0),
]


def assert_weights(sampler):
    """Sampled rows stand for all: sums of any numbers are unbiased."""
    __tracebackhide__ = True
    rng = np.random.default_rng(4)
    # So alike that each row is found now and then. What WTA can never find, nothing stands for,
    # and what it hardly ever finds weighs so much that few draws do not tell how far to trust them.
    vectors = np.abs(rng.normal(size=9) + 0.2 * rng.normal(size=(16, 9)))
    vectors *= rng.random(vectors.shape) < 0.9
    coefficients = rng.random((12, 3))
    sampler.fit(vectors[:12])
    draws = [(sampler.redraw().sample(vectors[12:]) @ coefficients).mean(0) for _ in range(80)]
    assert_mean(draws, coefficients.sum(axis=0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", EXACT, ids=repr)
def test_every_row_is_weighted_by_one(family, method):
    sampler = LSHSampler(family, method=method, n_draws=3, random_state=0)
    if method == "union" and isinstance(family, (DWTA, MinHash)):
        with pytest.raises(ValueError, match='choose method="tables" or "draw"'):
            sampler.fit(np.eye(9))
    else:
        assert_weights(sampler)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", EXACT[1:3], ids=repr)
def test_buckets_of_limited_capacity(family, method):
    sampler = LSHSampler(family, method=method, capacity=2, n_draws=3, random_state=0)
    if method == "union":
        with pytest.raises(ValueError, match="no formula for buckets of limited capacity"):
            sampler.fit(np.eye(9))
    else:
        assert_weights(sampler)
        assert np.diff(sampler.tables_.indptr).max() == 2 < sampler._n_members.max()


@pytest.mark.parametrize(
    "family", [SimHash(projections="sparse"), DWTA(4), MinHash(n_hashes=2)], ids=repr
)
def test_families_without_exact_probabilities(family):
    with pytest.raises(ValueError, match="family must know the exact probability"):
        LSHSampler(family, method="tables").fit(np.eye(6))


def test_gradients():
    """The gradient of least squares, from rows whose residuals are large."""
    rng = np.random.default_rng(5)
    X, theta = rng.normal(size=(300, 4)), np.array([1.0, -2.0, 0.5, 0.0])
    y = X @ np.array([1.2, -1.5, 0.5, 0.3]) + 0.1 * rng.standard_t(3, size=300)
    residuals = X @ theta - y
    query = np.append(theta, -1)[np.newaxis]
    sampler = LSHSampler(SimHash(3, 8), random_state=0).fit(np.column_stack([X, y]))

    def gradient(queries, rows):
        assert (queries == 0).all()
        return residuals[rows, np.newaxis] * X[rows]

    draws = [sampler.redraw().estimate_sum(query, gradient)[0] for _ in range(250)]
    assert_mean(draws, residuals @ X)


def test_sum_of_numbers():
    sampler = LSHSampler(SimHash(1, 2), random_state=0).fit(np.eye(5))
    weights = sampler.sample(np.eye(5)[:3])
    values = np.arange(15.0).reshape(3, 5)
    sums = sampler.estimate_sum(np.eye(5)[:3], lambda q, r: values[q, r])
    np.testing.assert_allclose(sums, weights.multiply(values).sum(axis=1))


def test_log_partition(softmax):
    rows, queries, _ = softmax
    sampler = LSHSampler(SimHash(2, 20), random_state=0).fit(rows)
    scores = queries @ rows.T
    expected = sampler.sample(queries).multiply(np.exp(scores)).sum(axis=1)
    np.testing.assert_allclose(sampler.log_partition(queries), np.log(expected), rtol=1e-5)
    np.testing.assert_allclose(
        sampler.log_partition(sp.csr_array(queries)), np.log(expected), rtol=1e-5
    )


def test_nothing_found():
    sampler = LSHSampler(SimHash(16, 1), random_state=0).fit([[1.0, 2.0, 3.0]])
    query = [[-1.0, -2.0, -3.0]]
    assert sampler.sample(query).nnz == 0
    assert sampler.log_partition(query) == -np.inf
    assert sampler.estimate_sum(query, lambda q, r: np.ones(len(q))) == [0]


def test_union_is_what_tables_find():
    rng = np.random.default_rng(6)
    rows, queries = rng.normal(size=(2, 50, 4))
    sampler = LSHSampler(SimHash(4, 5), random_state=0).fit(rows)
    weights = sampler.sample(queries)
    codes, asked = (sampler.family_.transform(X) for X in (rows, queries))
    shared = (asked[:, np.newaxis] == codes).any(axis=2)
    np.testing.assert_array_equal(weights.toarray() > 0, shared)
    p = 1 - np.arccos(sampler.family_.similarity(rows, queries)) / np.pi
    expected = 1 / (1 - (1 - p**4) ** 5)
    np.testing.assert_allclose(weights.diagonal(), np.where(shared.diagonal(), expected, 0))


def test_random_state_decides():
    rows = np.random.default_rng(7).normal(size=(50, 4))

    def first_two(seed):
        sampler = LSHSampler(method="draw", n_draws=3, random_state=seed).fit(rows)
        first = sampler.sample(rows).toarray()
        return first, sampler.redraw().sample(rows).toarray()

    one, other = first_two(0), first_two(1)
    np.testing.assert_array_equal(one, first_two(0))
    assert (one[0] != one[1]).any()
    assert (one[0] != other[0]).any()


@pytest.mark.parametrize("method", METHODS)
def test_sparse_rows_and_other_libraries(method):
    rng = np.random.default_rng(8)
    rows = (rng.normal(size=(40, 6)) * (rng.random((40, 6)) < 0.5)).astype(np.float32)
    settings = {"method": method, "n_draws": 4, "random_state": 0}
    expected = LSHSampler(SimHash(3, 5), **settings).fit(rows).sample(rows[:7])
    strict = pytest.importorskip("array_api_strict")
    for kind in (sp.csr_array, np.asfortranarray, strict.asarray):
        sampler = LSHSampler(SimHash(3, 5), **settings).fit(kind(rows))
        weights = sampler.sample(kind(rows[:7]))
        np.testing.assert_allclose(weights.toarray(), expected.toarray())


def test_bad_input():
    with pytest.raises(NotFittedError):
        LSHSampler().redraw()
    with pytest.raises(NotFittedError):
        LSHSampler().sample([[1.0]])
    with pytest.raises(ValueError, match="'method' parameter of LSHSampler"):
        LSHSampler(method="all").fit(np.eye(3))
    sampler = LSHSampler(random_state=0).fit(np.eye(3))
    with pytest.raises(ValueError, match="2 features, but SimHash is expecting 3"):
        sampler.sample(np.eye(2))
    assert isinstance(sampler.tables_, LSHTables)


@pytest.mark.parametrize("as_given", [np.array, sp.csr_array], ids=["dense", "sparse"])
def test_rows_do_not_change_with_the_users_array(as_given):
    X = np.random.default_rng(0).normal(size=(50, 6))
    given = as_given(X)
    sampler = LSHSampler(random_state=0).fit(given)
    values = given.data if sp.issparse(given) else given
    values *= -1
    twin = LSHSampler(random_state=0).fit(as_given(X))
    np.testing.assert_array_equal(sampler.sample(X).toarray(), twin.sample(X).toarray())
    np.testing.assert_array_equal(
        sampler.redraw().sample(X).toarray(), twin.redraw().sample(X).toarray()
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", EXACT, ids=repr)
@pytest.mark.parametrize("length", [0, 2.0**-130, 2.0**-102])
def test_rows_of_zeros_are_weighted_by_one(family, method, length):
    if method == "union" and isinstance(family, (DWTA, MinHash)):
        method = "tables"
    rng = np.random.default_rng(5)
    # Half of the rows are zero, or so short that they are hashed as if they were.
    X = np.abs(rng.normal(size=9) + 0.2 * rng.normal(size=(40, 9)))
    X[::2] = length * rng.random((20, 9))
    if length == 2.0**-102 and not isinstance(family, SimHash):
        X[::2] = 0  # to others that is a length like any other
    sampler = LSHSampler(family, method=method, n_draws=3, random_state=0)
    sampler.fit(X)
    # Of each kind, asked by each kind. Rows that are nearly always found have nearly no variance,
    # and rounding some, hence the slack.
    shares = np.array([np.arange(40) % 2 == 0, np.arange(40) % 2 == 1], float).T
    draws = [sampler.redraw().sample(X[:2]) @ shares for _ in range(100)]
    answers = {0: [0]} if isinstance(family, WTA) and not isinstance(family, DWTA) else {0: [0, 1]}
    for query, kinds in (answers | {1: [1]}).items():
        assert_mean([draw[query, kinds] for draw in draws], np.full(len(kinds), 20.0), slack=0.05)


def test_rows_of_nothing_but_zeros():
    X = np.zeros((100, 6), np.float32)
    for method in METHODS:
        for size in (0, 1e-35):
            sampler = LSHSampler(method=method, random_state=0).fit(X + size)
            np.testing.assert_allclose(sampler.sample(X[:1]).sum(), 100)


def test_a_refused_fit_leaves_the_sampler():
    X = np.random.default_rng(0).random((30, 5))
    sampler = LSHSampler(random_state=0).fit(X)
    before, expected = dict(vars(sampler)), sampler.sample(X[:2]).toarray()
    for bad in (np.full((30, 4), np.nan), np.ones((3, 4, 2)), sp.coo_array(np.ones(4))):
        with pytest.raises(ValueError, match=r"NaN|dim"):
            sampler.fit(bad)
    with pytest.raises(ValueError, match="exact probability"):
        sampler.set_params(family=MinHash(n_hashes=2)).fit(X[:, :4])
    sampler.set_params(family=None)
    assert {name: id(value) for name, value in vars(sampler).items()} == {
        name: id(value) for name, value in before.items()
    }
    np.testing.assert_array_equal(sampler.sample(X[:2]).toarray(), expected)
