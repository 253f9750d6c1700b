"""Tables that were loaded hold rows, each at most once in a bucket, and fit their family."""

import pickle

import numpy as np
import pytest

from sklearn_lsh.csr import Pattern
from sklearn_lsh.hashing import LSHTables, SimHash
from sklearn_lsh.hashing.stored_tables import check_fit, check_members

X = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
FAMILY = SimHash(3, 4, random_state=0).fit(X)


def make_tables():
    return LSHTables(FAMILY.transform(X), FAMILY.n_buckets_)


def test_members():
    tables = make_tables()
    given = Pattern(tables.indptr, tables.members)
    for given_array, array in zip(given, check_members("place", given, 32, 50), strict=True):
        assert array is given_array
    members = tables.members.copy()
    first, second = tables.indptr[:-1][np.diff(tables.indptr) > 1][0] + np.arange(2)
    members[second] = members[first]
    with pytest.raises(ValueError, match=r"place\.members must be once in a bucket"):
        check_members("place", given._replace(indices=members), 32, 50)
    with pytest.raises(ValueError, match=r"place\.members must be .* less than 49"):
        check_members("place", given, 32, 49)
    with pytest.raises(ValueError, match=r"place\.indptr must be of shape"):
        check_members("place", given, 31, 50)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n_buckets", 16), ("n_tables", 3), ("n_rows", 49), ("seed", None), ("capacity", 0)),
        *(("_none", None), ("indptr", None), ("members", np.zeros(200, np.int64))),
    ],
)
def test_other_attributes(name, value):
    tables = make_tables()
    assert pickle.loads(pickle.dumps(tables)).query(FAMILY.transform(X)).n_rows == 50
    setattr(tables, name, value)
    with pytest.raises(ValueError, match=r"LSHTables\.\w+ must be"):
        pickle.loads(pickle.dumps(tables))


def test_tables_fit_their_family():
    tables = make_tables()
    check_fit(tables, FAMILY, 50)
    for family, n_rows in ((SimHash(3, 5).fit(X), 50), (SimHash(4, 4).fit(X), 50), (FAMILY, 51)):
        with pytest.raises(ValueError, match=r"LSHTables\.n_\w+ must be"):
            check_fit(tables, family, n_rows)
