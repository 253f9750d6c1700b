"""What replicas learnt is added up row by row, in any number, as NumPy would do it at once."""

import numpy as np
import pytest

from sklearn_lsh.distributed.updates import (
    Learnable,
    Update,
    add,
    add_in_pairs,
    add_moved,
    move,
    moved_between,
)

N_ROWS, N_COLUMNS, N_STATES = 9000, 3, 2


def some_rows(rng):
    rows = rng.normal(size=(N_ROWS, N_COLUMNS)).astype(np.float32)
    return Learnable(rows, rng.random((N_STATES, N_ROWS, N_COLUMNS)).astype(np.float32))


def trained(before, touched, rng):
    """A replica that moved some rows."""
    after = Learnable(before.rows.copy(), before.state.copy())
    after.rows[touched] += rng.normal(size=(len(touched), N_COLUMNS)).astype(np.float32)
    after.state[:, touched] += rng.random((N_STATES, len(touched), N_COLUMNS)).astype(np.float32)
    return after


def merged_at_once(before, replicas):
    """The rule, in float64: means by distance."""
    rows, state = before.rows.astype(float), before.state.astype(float)
    for i in range(N_ROWS):
        moved = [each for each in replicas if (each.rows[i] != before.rows[i]).any()]
        if not moved:
            continue
        steps = np.array([each.rows[i] for each in moved], float) - before.rows[i]
        weights = np.abs(steps).mean(axis=1)
        weights /= weights.sum()
        rows[i] += weights @ steps
        of_state = np.array([each.state[:, i] for each in moved], float) - before.state[:, i]
        state[:, i] += np.tensordot(weights, of_state, axes=1)
    return rows, state


@pytest.mark.parametrize("n_replicas", [1, 2, 5])
def test_rows_move_by_the_mean_of_those_that_moved_them(n_replicas):
    rng = np.random.default_rng(n_replicas)
    before = some_rows(rng)
    touched = [rng.choice(N_ROWS, N_ROWS // 3, replace=False) for _ in range(n_replicas)]
    replicas = [trained(before, rows, rng) for rows in touched]
    rows, state = merged_at_once(before, replicas)
    total = add_in_pairs([moved_between(before, each) for each in replicas], add_moved)
    assert total.numbers.tolist() == np.unique(np.concatenate(touched)).tolist()
    move(before, total)
    np.testing.assert_allclose(before.rows, rows, atol=2e-6)
    np.testing.assert_allclose(before.state, state, atol=2e-6)


def test_rows_that_only_the_optimizer_remembers_are_moved_too():
    rng = np.random.default_rng(0)
    before = some_rows(rng)
    after = Learnable(before.rows.copy(), before.state.copy())
    after.state[1, 7] += 0.5
    total = moved_between(before, after)
    assert total.numbers.tolist() == [7]
    move(before, total)
    np.testing.assert_allclose(before.state[1, 7], after.state[1, 7], rtol=1e-6)


def test_updates_are_added_by_a_tree():
    added = []

    def note(first, second):
        added.append((first, second))
        return first + second

    assert add_in_pairs(list("abcde"), note) == "abcde"
    assert added == [("a", "b"), ("c", "d"), ("ab", "cd"), ("abcd", "e")]


def test_who_had_no_rows_adds_nothing():
    update = Update([], [1.0], 3, 1, [])
    assert add(None, None) is None
    assert add(None, update) is update
    assert add(update, None) is update


@pytest.mark.parametrize("part", ["rows", "state"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_found(part, value):
    rng = np.random.default_rng(0)
    before = some_rows(rng)
    after = trained(before, np.arange(10), rng)
    layer = (moved_between(before, after), moved_between(before, before), [])
    assert Update([layer], [0.0], 1, 1, []).is_finite()
    getattr(after, part)[..., 3, 1] = value
    layer = (moved_between(before, after), moved_between(before, before), [])
    assert not Update([layer], [0.0], 1, 1, []).is_finite()


def test_what_is_not_negative_stays_so():
    rng = np.random.default_rng(0)
    before = some_rows(rng)
    replicas = [trained(before, np.arange(N_ROWS), rng) for _ in range(3)]
    for replica in replicas:  # which have forgotten nearly all of it
        replica.state[...] = before.state * np.float32(1e-9)
    total = add_in_pairs([moved_between(before, each) for each in replicas], add_moved)
    move(before, total)
    assert before.state.min() >= 0
    np.testing.assert_allclose(before.state, replicas[0].state, rtol=1e-5)
