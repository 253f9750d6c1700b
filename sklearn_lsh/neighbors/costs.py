"""What the steps of a search cost, and with them a query, by how much it looks at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import n_nonzero

# Rows compared exactly for each neighbour wanted where all are compared: sums of many products,
# in another order and of other sizes, differ by their rounding.
OVERSAMPLING = 2


class CostModel(NamedTuple):
    """Nanoseconds that each step of a search takes, on one thread.

    Attributes
    ----------
    product : float
        A multiply-add of a product of dense matrices.
    sparse_product : float
        The same of sparse ones.
    posting : float
        The same where an inverted index has the rows by feature.
    met_row : float
        A row that is met there, where few are: noting it, and finding the best.
    row : float
        A row whose score is held against the best so far.
    best_row : float
        A row that is among the best for a while.
    finalist_product, finalist : float
        A row that is compared exactly, which lies anywhere in memory: a multiply-add, and the rest.
    query_sketch : float
        A query's sketch, beside the products in that.
    bucket : float
        Looking into a bucket of a table.
    member : float
        Meeting a member of a bucket.
    candidate_product, candidate : float
        A member whose sketch is compared: a multiply-add, and the rest.
    """

    product: float
    sparse_product: float
    posting: float
    met_row: float
    row: float
    best_row: float
    finalist_product: float
    finalist: float
    query_sketch: float
    bucket: float
    member: float
    candidate_product: float
    candidate: float


# As they were measured on one processor with AVX2, when scans and tables were first compared;
# `python benchmarks/cost_model.py` measures them on another, and prints both. Buckets, members and
# candidates mostly wait for memory where rows are so many that tables are worth a try; among fewer
# they take a third.
MEASURED = CostModel(
    product=0.036,
    sparse_product=0.15,
    posting=0.9,
    met_row=20,
    row=0.25,
    best_row=55,
    finalist_product=0.54,
    finalist=17,
    query_sketch=5000,
    bucket=400,
    member=8,
    candidate_product=0.1,
    candidate=100,
)


class QueryCosts:
    """Nanoseconds that a query of an index takes.

    Parameters
    ----------
    index : Index
    model : CostModel, default=None
        None is `MEASURED`.
    n_postings : float, default=None
        How many the features of a query have, on average; None without an inverted index.
    """

    def __init__(self, index, model=None, n_postings=None):
        self.model = MEASURED if model is None else model
        self.n_rows, self.n_alive = index.rows.n_rows, index.n_alive
        self.is_sparse, self.n_postings = index.rows.is_sparse, n_postings
        # Multiply-adds of comparing a query with a row.
        self.n_products = n_nonzero(index.rows.data) / max(1, self.n_rows)
        self.n_directions = None if index.sketch is None else index.sketch.n_directions

    def exact(self, k) -> float:
        """Comparing all rows."""
        product = self.model.sparse_product if self.is_sparse else self.model.product
        n_best = min(OVERSAMPLING * k, self.n_alive)
        if self.n_postings is None:
            compared = self._scan(self.n_products, n_best, product)
        else:
            looked_at = min(self.n_postings * self.model.met_row, self._scan(0, n_best, 0))
            compared = self.n_postings * self.model.posting + looked_at
        return compared + n_best * self._finalist

    def scan(self, n_directions, n_finalists) -> float:
        """Comparing all rows' sketches in so many directions, then finalists."""
        scan = self._scan(n_directions, n_finalists, self.model.product)
        return self._sketch + scan + n_finalists * self._finalist

    def tables(self, n_buckets, n_members, n_candidates, n_finalists) -> float:
        """Looking into buckets, comparing the sketches met there if there are any, then finalists.

        Parameters
        ----------
        n_buckets, n_members : float
            Buckets of all tables, and their members.
        n_candidates : float
            Different rows among the members.
        n_finalists : float
            Rows that are compared exactly, where there are sketches; otherwise all candidates are.
        """
        model = self.model
        cost = n_buckets * model.bucket + n_members * model.member
        if self.n_directions is None:
            return cost + n_candidates * self._finalist
        candidate = model.candidate_product * self.n_directions + model.candidate
        cost += self._sketch + n_candidates * candidate
        return cost + n_finalists * self._finalist

    @property
    def _sketch(self):
        """A query's sketch, as it would be at least where there are none."""
        model = self.model
        return model.query_sketch + model.product * self.n_products * (self.n_directions or 0)

    @property
    def _finalist(self):
        """A row that is compared exactly."""
        return self.model.finalist_product * self.n_products + self.model.finalist

    def _scan(self, n_products, n_best, product):
        """All rows by so many products each, and finding the best."""
        n_improvements = n_best * np.log2(2 * max(1, self.n_rows / n_best))
        rows = self.n_rows * (product * n_products + self.model.row)
        return rows + n_improvements * self.model.best_row
