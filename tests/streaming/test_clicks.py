"""Clicks that are made up: what they are a function of, and that the teacher knows them."""

import numpy as np
import pytest

from sklearn_lsh.streaming import HashedClicks


def test_a_block_is_a_function_of_seed_and_number():
    source, again = HashedClicks(5000, block_size=1000), HashedClicks(9000, block_size=1000)
    for number in (3, 0):
        (X, y), (other, labels) = source.read(number), again.read(number)
        assert (other != X).nnz == 0
        np.testing.assert_array_equal(y, labels)
    (X, _), (other, _) = source.read(0), source.read(1)
    assert (other != X).nnz > 0
    (other, _) = HashedClicks(5000, block_size=1000, seed=1).read(0)
    assert (other != X).nnz > 0
    (shifted, _) = HashedClicks(5000, block_size=1000, first_block=2).read(1)
    assert (shifted != source.read(3)[0]).nnz == 0


@pytest.mark.parametrize("crosses", [False, True])
def test_shapes(crosses):
    source = HashedClicks(2500, n_features=2**16, crosses=crosses, block_size=1000)
    assert (source.n_blocks, source.n_features, source.n_rows) == (3, 2**16, 2500)
    assert [X.shape for X, _ in source] == [(1000, 2**16), (1000, 2**16), (500, 2**16)]
    X, y = source.read(0)
    assert X.has_canonical_format
    np.testing.assert_array_equal(X.sum(axis=1), 47 if crosses else 39)
    assert set(y) == set(source.classes) == {0, 1}
    with pytest.raises(IndexError):
        source.read(3)


def test_the_teacher_knows_the_odds():
    source = HashedClicks(60_000, block_size=60_000)
    y, p = source.read(0)[1], source.probabilities(0)
    error = (y - p).sum() / np.sqrt((p * (1 - p)).sum())
    assert abs(error) < 4
    for low, high in [(0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1)]:
        part = (p >= low) & (p < high)
        assert part.sum() > 300
        error = (y - p)[part].sum() / np.sqrt((p * (1 - p))[part].sum())
        assert abs(error) < 4
    # Better by far than the mean alone, and not sure.
    loss, base = (-np.mean(q * np.log(q) + (1 - q) * np.log(1 - q)) for q in (p, p.mean()))
    assert 0.3 < loss < 0.9 * base


def test_values_follow_zipfs_law():
    source = HashedClicks(100_000, block_size=100_000)
    values = source._draw(0)[0][:, 38] - source._starts[38]  # of the field with most values
    size = source._sizes[38]
    for k in (1, 2, 10, 1000):
        share = np.log(k + 1) / np.log(size + 1)
        assert abs((values < k).mean() - share) < 5 * np.sqrt(share * (1 - share) / 1e5)


@pytest.mark.parametrize("name", ["n_rows", "n_features", "block_size", "seed", "first_block"])
def test_parameters(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer"):
        HashedClicks(**{"n_rows": 10, name: -1})
