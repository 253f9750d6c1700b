"""Hash tables of rows, searched by how many buckets a query shares with them."""

import numpy as np

from sklearn_lsh import kernels


class LSHTables:
    """``n_tables`` hash tables over numbered rows, held as one CSR: bucket -> members.

    Bucket ``t * n_buckets + code`` belongs to table ``t``.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_tables), dtype=uint16
        Where each row goes.
    n_buckets : int
        Number of different codes.

    Attributes
    ----------
    indptr : ndarray of shape (n_tables * n_buckets + 1,), dtype=uint32
    members : ndarray of shape (n_rows * n_tables,), dtype=uint32
    """

    def __init__(self, codes, n_buckets):
        self.n_rows, self.n_tables = codes.shape
        self.n_buckets = n_buckets
        self.indptr = np.empty(self.n_tables * n_buckets + 1, np.uint32)
        self.members = np.empty(codes.size, np.uint32)
        kernels.build_tables(codes, n_buckets, self.indptr, self.members)

    def most_hit(self, codes, n_wanted, fill_from=-1):
        """Find for each query the rows that share most buckets with it.

        Parameters
        ----------
        codes : ndarray of shape (n_queries, n_tables), dtype=uint16
            Codes of the queries, by the same functions as the rows'.
        n_wanted : int
            How many rows to find for each query, at most ``n_rows``.
        fill_from : int, default=-1
            Unless negative: queries that find too few get the rows from this one onwards.

        Returns
        -------
        indptr, indices : ndarray of dtype=uint32
            Ragged lists of rows.
        """
        indptr = np.empty(codes.shape[0] + 1, np.uint32)
        indices = np.empty(codes.shape[0] * n_wanted, np.uint32)
        n = kernels.count_votes(
            *(codes, self.n_buckets, self.indptr, self.members, self.n_rows),
            *(n_wanted, fill_from, indptr, indices),
        )
        return indptr, indices[:n]
