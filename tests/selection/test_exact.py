"""Selections that approximate nothing: exact and random."""

import numpy as np

from sklearn_lsh.csr import CSR, take

from ..support.selections import (
    N_HIDDEN,
    N_INPUTS,
    N_SAMPLES,
    chosen_sets,
    make_selected,
    preactivations,
    recall,
    select_all,
    train,
)


def test_topk_is_exact(clustered):
    X, target = clustered
    network = make_selected(X, "topk")
    train(network, X, target, 1)
    for depth in (0, 1):
        chosen, inputs = select_all(network, X, depth)
        answers = preactivations(network.layers[depth], inputs)
        for row, scores in zip(chosen, answers, strict=True):
            last = np.sort(scores)[-len(row)]
            assert (scores[row] > last - 1e-4).all()
        assert recall(chosen, answers) > 0.999


def test_topk_decides_ties_by_order():
    X = np.zeros((5, N_INPUTS), np.float32)
    network = make_selected(X, "topk")
    network.layers[0].weights.bias[...] = 0
    chosen, _ = select_all(network, X, 0)
    assert chosen == [list(range(20))] * 5


def test_random_depends_on_the_sample_alone(clustered):
    X, _ = clustered
    network = make_selected(X, "random")
    chosen, inputs = select_all(network, X, 0)
    rows = np.array([5, 500, 77, 5])
    layer = network.layers[0]
    some = chosen_sets(layer.selection.select(layer.weights, take(X, rows)))
    assert some == [chosen[r] for r in rows]
    dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
    assert chosen_sets(layer.selection.select(layer.weights, dense)) == chosen
    assert len(set(map(tuple, chosen))) > 0.9 * N_SAMPLES


def test_random_is_uniform():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(5000, N_INPUTS)).astype(np.float32)
    network = make_selected(X, "random")
    chosen, _ = select_all(network, X, 0)
    share = 20 / N_HIDDEN
    counts = np.bincount(np.concatenate(chosen), minlength=N_HIDDEN)
    errors = (counts - 5000 * share) / np.sqrt(5000 * share * (1 - share))
    assert np.abs(errors).max() < 5
    assert 0.5 < np.mean(errors**2) < 1.5
    # Neither do neighbours come in pairs.
    mask = np.zeros((5000, N_HIDDEN), dtype=bool)
    mask[np.arange(5000)[:, np.newaxis], chosen] = True
    both = (mask[:, :-1] & mask[:, 1:]).mean()
    assert abs(both - share**2) < 0.1 * share**2
