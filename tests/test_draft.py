"""Failed calls of hash families, samplers and neighbours leave them as they were."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing import FAMILIES, LSHSampler, MinHash, SimHash
from sklearn_lsh.neighbors import LSHNeighborsTransformer

X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
MOST_COLUMNS = 2**31 - 1


def too_large():
    """Values that float32 does not hold, in more columns than the other rows have."""
    parts = np.full(6, 1e300), np.full(6, MOST_COLUMNS - 3, np.int32), np.arange(7)
    return sp.csr_array(parts, shape=(6, MOST_COLUMNS))


def with_nan():
    return np.full((5, 3), np.nan)


class Thing:
    """An object with attributes."""


def test_a_draft_is_taken_over_when_all_went_well():
    thing = Thing()
    thing.kept, thing.gone, thing.values = 1, 2, [3]
    with draft_of(thing, ["values"]) as draft:
        draft.new = 4
        del draft.gone
        draft.values.append(5)
        assert vars(thing) == {"kept": 1, "gone": 2, "values": [3]}
    assert vars(thing) == {"kept": 1, "values": [3, 5], "new": 4}
    with pytest.raises(KeyboardInterrupt):
        interrupted_change(thing)
    assert vars(thing) == {"kept": 1, "values": [3, 5], "new": 4}


def interrupted_change(thing):
    with draft_of(thing, ["values"]) as draft:
        draft.kept = 0
        draft.values.append(6)
        raise KeyboardInterrupt


def assert_unchanged(estimator, call, answer):
    """A call is refused, and all attributes are the same objects as before."""
    __tracebackhide__ = True
    before = dict(vars(estimator))
    expected = answer(estimator) if "n_features_in_" in before else None
    with pytest.raises((ValueError, TypeError)):
        call(estimator)
    after = vars(estimator)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    if expected is not None:
        np.testing.assert_array_equal(answer(estimator), expected)


BAD = {
    "too large": lambda e: e.fit(too_large()),
    "NaN": lambda e: e.fit(with_nan()),
    "parameter": lambda e: e.set_params(random_state="x").fit(X[:, :3]),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
@pytest.mark.parametrize("name", FAMILIES)
def test_families(name, fitted, bad):
    family = FAMILIES[name](random_state=0)
    if fitted:
        family.fit(X)
    call = BAD[bad]
    if bad == "parameter":
        family.random_state = "x"
        call = lambda e: e.fit(X[:, :3])  # noqa: E731
    assert_unchanged(family, call, lambda e: e.transform(X))


@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
def test_sampler(fitted):
    sampler = LSHSampler(random_state=0)
    if fitted:
        sampler.fit(X)
    for bad in (too_large(), with_nan()):
        assert_unchanged(sampler, lambda e, bad=bad: e.fit(bad), lambda e: e.sample(X).toarray())
    sampler.family = MinHash()
    assert_unchanged(sampler, lambda e: e.fit(X[:, :2]), lambda e: e.sample(X).toarray())


SEARCHES = {"all": {}, "tables": {"n_tables": 4, "n_bits": 3, "recall": 0.1}}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product", "jaccard"])
def test_neighbours(metric, search):
    transformer = LSHNeighborsTransformer(metric=metric, random_state=0, **SEARCHES[search])

    def answer(estimator):
        return np.hstack(estimator.kneighbors(X))

    assert_unchanged(transformer, lambda e: e.fit(with_nan()), answer)
    transformer.fit(X)
    for call in (
        lambda e: e.fit(too_large()),
        lambda e: e.fit(X[:, :3], queries=X),
        lambda e: e.fit(X[:, :3], queries=with_nan()),
        lambda e: e.partial_fit(X[:, :3]),
        lambda e: e.partial_fit(sp.csr_array(X)),
        lambda e: e.partial_fit(with_nan()),
        lambda e: e.delete([3, 60]),
        lambda e: e.delete([0.5]),
    ):
        assert_unchanged(transformer, call, answer)
    for name, value in (("n_bits", 99), ("hash_function", "sha1"), ("n_neighbors", 0)):
        changed = copy.copy(transformer).set_params(**{name: value})
        assert_unchanged(changed, lambda e: e.fit(X[:, :3]), lambda e: [])


@pytest.mark.parametrize("search", SEARCHES)
def test_memory_that_ends_while_rows_come_or_go(search, monkeypatch):
    """An error in the middle: after rows were put in, before they are in tables."""
    transformer = LSHNeighborsTransformer(random_state=0, **SEARCHES[search]).fit(X)
    before = transformer.kneighbors(X)

    def fail(*args, **kwargs):
        raise MemoryError

    for method in ("_build_anew", "_count_rows"):
        with monkeypatch.context() as patch:
            patch.setattr(LSHNeighborsTransformer, method, fail)
            with pytest.raises(MemoryError):
                transformer.partial_fit(X * 0.5)
            if method == "_build_anew":
                with pytest.raises(MemoryError):
                    transformer.delete([1, 2, 3])
        assert transformer.n_samples_fit_ == 60
        for ours, expected in zip(transformer.kneighbors(X), before, strict=True):
            np.testing.assert_array_equal(ours, expected)
    transformer.partial_fit(X + 1)
    near = transformer.kneighbors(X + 1, 1, return_distance=False)
    np.testing.assert_array_equal(near[:, 0], np.arange(60, 120))


def test_simhash_does_not_read_beyond_its_projections():
    """As it once did: the number of features was taken over before the values were refused."""
    family = SimHash(random_state=0).fit(sp.csr_array(np.eye(6, dtype=np.float32)))
    wide = too_large()
    with pytest.raises(ValueError, match="too large"):
        family.fit(wide)
    wide.data[:] = 1
    with pytest.raises(ValueError, match="features"):
        family.transform(wide)
