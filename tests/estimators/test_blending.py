"""Rows that are held out to blend by, and whether a blend gains anything."""

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.estimators.blending import (
    FEWEST_HELD_OUT,
    MOST_HELD_OUT,
    RARE,
    hold_out_rows,
    is_less,
    with_rare,
)
from sklearn_lsh.estimators.evidence import FIRST


def test_held_out_rows_leave_every_class_one():
    rng = np.random.RandomState(0)
    classes = np.repeat(np.arange(700), [1, 2] * 350)
    target = sp.csr_array(np.eye(700, dtype=np.float32)[classes])
    rows = np.arange(5, len(classes))
    held_out = hold_out_rows(target, rows, rng)
    assert len(held_out) == FEWEST_HELD_OUT
    assert np.isin(held_out, rows).all()
    kept = np.setdiff1d(rows, held_out)
    assert set(classes[kept]) == set(classes[rows])


def test_classes_of_one_row_have_none_to_hold_out():
    target = sp.csr_array(sp.eye_array(500, dtype=np.float32))
    assert len(hold_out_rows(target, np.arange(500), np.random.RandomState(0))) == 0


def test_held_out_rows_are_some():
    target = sp.csr_array(np.ones((100_000, 2), np.float32))
    for n_rows, expected in ((1_000, FEWEST_HELD_OUT), (10_000, 500), (100_000, MOST_HELD_OUT)):
        held_out = hold_out_rows(target, np.arange(n_rows), np.random.RandomState(0))
        assert len(np.unique(held_out)) == expected


def test_gains_by_chance_are_none():
    rng = np.random.default_rng(0)
    losses = rng.random(200)
    assert is_less(losses - 0.1 * rng.random(200), losses)
    assert not is_less(losses, losses)
    assert np.mean([is_less(rng.random(200), rng.random(200)) for _ in range(300)]) < 0.06


def test_rare_classes_are_given_something_where_rows_have_one_each():
    classes = sp.csr_array(np.eye(3, dtype=np.float32))
    assert with_rare(FIRST, classes) == FIRST._replace(rare=RARE)
    labels = sp.csr_array(np.tri(3, dtype=np.float32))
    assert with_rare(FIRST, labels) == FIRST
