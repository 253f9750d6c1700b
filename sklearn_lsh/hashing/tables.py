"""Hash tables of rows, searched by how many buckets a query shares with them."""

import numpy as np

from sklearn_lsh import kernels


class LSHTables:
    """``n_tables`` hash tables over numbered rows, held as one CSR: bucket -> members.

    Bucket ``t * n_buckets + code`` belongs to table ``t``.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_tables), dtype=uint16
        Where the rows go.
    n_buckets : int
        Number of different codes.
    owners : ndarray of shape (n_codes,), dtype=uint32, default=None
        Which row each code is of, so that a row may be in several buckets of a table. By
        default code ``i`` is row ``i``'s.
    n_rows : int, default=None
        Number of rows, if ``owners`` is given.

    Attributes
    ----------
    indptr : ndarray of shape (n_tables * n_buckets + 1,), dtype=uint32
    members : ndarray of shape (n_members,), dtype=uint32
    """

    def __init__(self, codes, n_buckets, owners=None, n_rows=None):
        if owners is None:
            owners, n_rows = np.arange(codes.shape[0], dtype=np.uint32), codes.shape[0]
        self.n_rows, self.n_tables = n_rows, codes.shape[1]
        self.n_buckets = n_buckets
        self.indptr = np.empty(self.n_tables * n_buckets + 1, np.uint32)
        members = np.empty(codes.size, np.uint32)
        n = kernels.build_tables(codes, owners, n_rows, n_buckets, self.indptr, members)
        self.members = members[:n]

    def occupancy(self):
        """How full the buckets are.

        Returns
        -------
        dict
            ``filled_buckets``, the share of buckets that have members, and ``bucket_load``, the
            mean number of members of those.
        """
        n_filled = np.count_nonzero(np.diff(self.indptr))
        return {
            "filled_buckets": int(n_filled) / (self.indptr.shape[0] - 1),
            "bucket_load": self.members.shape[0] / max(1, int(n_filled)),
        }

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
