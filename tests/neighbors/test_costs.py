"""What searches cost by the model: each step by how often it is taken."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.neighbors.costs import MEASURED, OVERSAMPLING, CostModel, QueryCosts
from sklearn_lsh.neighbors.metrics import Vectors

FREE = CostModel(*np.zeros(len(CostModel._fields)))


def make_costs(*, sparse=False, n_directions=None, n_postings=None, **prices):
    """Costs of an index of 100 rows with 8 values each, with most steps free."""
    data = take(sp.csr_array(np.ones((100, 8))) if sparse else np.ones((100, 8)), slice(0, 100))
    sketch = None if n_directions is None else SimpleNamespace(n_directions=n_directions)
    index = SimpleNamespace(rows=Vectors(data), n_alive=90, sketch=sketch)
    return QueryCosts(index, FREE._replace(**prices), n_postings)


@pytest.mark.parametrize("sparse", [False, True])
def test_comparing_all_rows(sparse):
    product = "sparse_product" if sparse else "product"
    assert make_costs(sparse=sparse, **{product: 2}).exact(5) == 2 * 100 * 8
    assert make_costs(sparse=sparse, row=3).exact(5) == 3 * 100
    n_best = OVERSAMPLING * 5
    assert make_costs(sparse=sparse, finalist=4).exact(5) == 4 * n_best
    assert make_costs(sparse=sparse, finalist_product=4).exact(5) == 4 * n_best * 8
    assert make_costs(sparse=sparse, finalist=4).exact(80) == 4 * 90  # all that there are


def test_comparing_all_rows_by_an_inverted_index():
    make = partial(make_costs, sparse=True, n_postings=7)
    assert make(posting=2).exact(5) == 2 * 7
    # Rows that are met are noted, unless all are gone through for less.
    assert make(met_row=3).exact(5) == 0
    assert make(met_row=3, row=1).exact(5) == 3 * 7
    assert make(met_row=30, row=1).exact(5) == 100
    assert make(sparse_product=4, product=4).exact(5) == 0
    assert make(finalist=4).exact(5) == 4 * OVERSAMPLING * 5


def test_comparing_all_sketches():
    assert make_costs(n_directions=3, query_sketch=7).scan(3, 10) == 7
    # The sketch is of all directions, of which a scan may take fewer.
    assert make_costs(n_directions=3, product=2).scan(2, 10) == 2 * (3 * 8 + 100 * 2)
    assert make_costs(n_directions=3, finalist=5).scan(2, 10) == 50
    improvements = 10 * np.log2(2 * 10)
    assert make_costs(n_directions=3, best_row=5).scan(2, 10) == pytest.approx(5 * improvements)


def test_looking_into_tables():
    for name, n in (("bucket", 4), ("member", 50)):
        assert make_costs(**{name: 3}).tables(4, 50, 20, 6) == 3 * n
    # Without sketches all candidates are compared exactly.
    assert make_costs(finalist=3).tables(4, 50, 20, 6) == 3 * 20
    assert make_costs(n_directions=3, finalist=3).tables(4, 50, 20, 6) == 3 * 6
    assert make_costs(n_directions=3, candidate=3).tables(4, 50, 20, 6) == 3 * 20
    assert make_costs(n_directions=3, candidate_product=2).tables(4, 50, 20, 6) == 2 * 20 * 3


def test_every_price_is_one():
    assert all(price > 0 for price in MEASURED)
    assert make_costs().model == FREE
    assert QueryCosts(SimpleNamespace(rows=Vectors(np.ones((2, 2), "f4")), n_alive=2, sketch=None)
                      ).model is MEASURED  # fmt: skip
