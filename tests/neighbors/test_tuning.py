"""Tuning: the cheapest setting that finds as much as is wanted, on rows that are few."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.hashing import SimHash
from sklearn_lsh.neighbors import costs
from sklearn_lsh.neighbors.index import EXACT, Index
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.query_sample import QuerySample
from sklearn_lsh.neighbors.sketch import PrincipalSketch
from sklearn_lsh.neighbors.space import Space
from sklearn_lsh.neighbors.tuning import N_FINALISTS, Trial, Tuner, is_exact_cheapest


def trial(cost, recall, meets_recall):
    return Trial(cost, EXACT, recall=recall, meets_recall=meets_recall)


@pytest.mark.parametrize(
    ("ours", "other", "beats"),
    [
        ((1, 0.9, True), (2, 0.95, True), True),  # both find enough: the cheaper one
        ((2, 0.95, True), (1, 0.9, True), False),
        ((9, 0.9, True), (1, 0.8, False), True),  # only one finds enough
        ((1, 0.8, False), (9, 0.9, True), False),
        ((9, 0.8, False), (1, 0.7, False), True),  # neither does: the one that finds more
        ((1, 0.7, False), (9, 0.8, False), False),
    ],
)
def test_which_trial_is_better(ours, other, beats):
    assert trial(*ours).beats(trial(*other)) == beats


def make_tuner(recall=0.9, *, sketched=True, **settings):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(1500, 60)) * np.geomspace(3, 0.1, 60)).astype(np.float32)
    sketch = PrincipalSketch(X, X, False, np.random.RandomState(0)) if sketched else None
    index = Index(Space(METRICS["euclidean"]), Vectors(X), sketch, np.ones(len(X), bool))
    own = np.arange(0, 1500, 15)
    sample = QuerySample(index, Vectors(X[own]), own, 5)
    return Tuner(sample, recall, lambda n: SimHash(5, n, random_state=0), **settings)


def price(monkeypatch, **prices):
    """Let some steps of a search cost so many nanoseconds, and the others one."""
    free = costs.CostModel(*np.ones(len(costs.CostModel._fields)))
    monkeypatch.setattr(costs, "MEASURED", free._replace(**prices))


def test_given_tables_are_taken():
    tuner = make_tuner(0.8, n_tables=6, n_probes=3)
    best = tuner.tune()
    assert best.setting[:3] == (5, 6, 3)
    assert tuner.index.setting is best.setting
    assert tuner.index.tables is best.tables
    assert best.tables.n_tables == 6


def test_more_probes_where_more_is_wanted():
    few, many = (make_tuner(recall, n_tables=6).tune() for recall in (0.5, 0.95))
    assert few.meets_recall
    assert many.meets_recall
    assert few.setting.n_probes < many.setting.n_probes
    assert few.cost < many.cost


@pytest.mark.parametrize("recall", [0.6, 0.95])
def test_scans_take_as_few_finalists_as_they_can(monkeypatch, recall):
    price(monkeypatch, finalist=1e4, best_row=1)
    best = make_tuner(recall).tune()
    assert best.setting.n_directions > 0
    assert best.meets_recall
    counts = [int(np.ceil(5 * ratio)) for ratio in N_FINALISTS]
    assert best.setting.n_finalists in counts
    if recall == 0.6:
        assert best.setting.n_finalists == counts[0]


def test_all_rows_are_compared_where_that_is_cheapest(monkeypatch):
    price(monkeypatch, query_sketch=1e9)
    tuner = make_tuner()
    best = tuner.tune()
    assert best.setting == tuner.index.setting == EXACT
    assert (best.recall, best.meets_recall) == (1, True)


def test_tables_are_tried_where_comparing_all_is_dear(monkeypatch):
    price(monkeypatch, row=1e6)
    best = make_tuner(0.7, sketched=False).tune()
    assert best.setting.n_tables > 0
    assert best.meets_recall


@pytest.mark.parametrize("metric", ["cosine", "jaccard"])
@pytest.mark.parametrize(("prices", "expected"), [({}, True), ({"posting": 1e6}, False)])
def test_an_inverted_index_may_be_cheaper_than_anything(metric, prices, expected, monkeypatch):
    price(monkeypatch, **prices)
    metric = METRICS[metric]
    rows = Vectors(metric.prepare(take(sp.csr_array(np.eye(900, 30)), slice(None))))
    index = Index(Space(metric), rows, None, np.ones(900, bool))
    index.index_features()
    assert is_exact_cheapest(index, rows.part(slice(9)), 5) == expected


def test_more_buckets_than_a_family_knows():
    tuner = make_tuner(n_tables=3, n_probes=33)
    with pytest.raises(ValueError, match=r"n_probes must be at most 32, .* got 33"):
        tuner.tune()
