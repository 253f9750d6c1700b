"""Blocks of svmlight's and of the extreme-classification format, against readers of whole files."""

import gzip
import re

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file

from sklearn_lsh.datasets import load_multilabel_file
from sklearn_lsh.streaming import MultilabelBlocks, SvmlightBlocks
from sklearn_lsh.streaming.sparse_texts import SparseTextBlocks

RNG = np.random.default_rng(0)
X = sp.random_array((53, 20), density=0.2, rng=RNG, dtype=np.float32, format="csr")
TARGETS = RNG.normal(size=53).round(3)


def stacked(source):
    blocks = list(source)
    assert all(X.shape[1] == source.n_features for X, _ in blocks)
    matrices = zip(*blocks, strict=True)
    return [
        (sp.vstack(part) if sp.issparse(part[0]) else np.concatenate(part)) for part in matrices
    ]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("zero_based", [True, False])
@pytest.mark.parametrize("query_id", [None, np.arange(53)])
def test_svmlight(tmp_path, suffix, zero_based, query_id):
    path = tmp_path / f"a.svm{suffix}"
    with (gzip.open if suffix else open)(path, "wb") as file:
        comment = "made by a test"
        dump_svmlight_file(
            X, TARGETS, file, zero_based=zero_based, comment=comment, query_id=query_id
        )
    source = SvmlightBlocks(path, block_size=10, zero_based=zero_based, n_features=20)
    assert (source.n_blocks, source.n_features) == (6, 20)
    found, y = stacked(source)
    np.testing.assert_allclose(found.toarray(), X.toarray(), rtol=1e-6)
    np.testing.assert_allclose(y, TARGETS, rtol=1e-15)
    assert repr(source) == f"SvmlightBlocks({str(path)!r})"
    unknown = SvmlightBlocks(path, block_size=10, zero_based=zero_based)
    assert unknown.n_features == X.indices.max() + 1
    assert unknown.read(5)[0].shape[1] == unknown.n_features


def multilabel_text(header=True):
    labels = [sorted(RNG.choice(7, RNG.integers(0, 4), replace=False)) for _ in range(53)]
    lines = ["53 20 7"] if header else []
    for row, of_row in enumerate(labels):
        start, stop = X.indptr[row : row + 2]
        pairs = (f"{X.indices[p]}:{X.data[p]:.4f}" for p in range(start, stop))
        lines.append(" ".join([",".join(map(str, of_row)), *pairs]))
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_multilabel(tmp_path, suffix, header, end):
    path = tmp_path / f"a.txt{suffix}"
    text = multilabel_text(header) + end
    path.write_bytes(gzip.compress(text) if suffix else text)
    sizes = {} if header else {"n_features": 20, "n_labels": 7}
    source = MultilabelBlocks(path, block_size=10, header=header, **sizes)
    assert (source.n_features, source.n_labels) == (20, 7)
    expected = load_multilabel_file(path, header=header, **sizes)
    for found, wanted in zip(stacked(source), expected, strict=True):
        np.testing.assert_array_equal(found.toarray(), wanted.toarray())
        assert found.dtype == wanted.dtype


BAD = [
    (b"x 1:2", "the target must be a number, but got 'x'"),
    (b"1 2", "a feature must be 'index:value', but got '2'"),
    (b"1 2:y", "a feature must be"),
    (b"1 qid:x 2:3", "a feature must be"),
    (b"1 99:1", "has feature index 99, but must be below 20"),
    (b"1 3:1e39", "has a value too large for float32"),
    (b"1 3:3e38 3:3e38", "has a value too large for float32"),
    (b"1 5000000000:1", "has a number that is too large"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
@pytest.mark.filterwarnings("ignore:overflow")
def test_bad_lines_are_named_or_skipped(tmp_path, line, message):
    path = tmp_path / "a.svm"
    good = [b"%d %d:1.5" % (k, k) for k in range(15)]
    path.write_bytes(b"\n".join([*good[:12], line, *good[12:], line]))
    source = SvmlightBlocks(path, block_size=10, n_features=20)
    with pytest.raises(ValueError, match=rf"^Line 13.*{re.escape(message)}"):
        source.read(1)
    source = SvmlightBlocks(path, block_size=10, n_features=20, on_error="skip")
    for _ in range(2):  # those of a block are counted once
        assert [source.read(k)[1].tolist() for k in (0, 1)] == [[*range(10)], [*range(10, 15)]]
        assert source.n_skipped == 2


def test_a_bad_line_that_is_found_while_columns_are_counted_is_named(tmp_path):
    path = tmp_path / "a.svm"
    path.write_bytes(b"1 0:1\n" * 12 + b"1 0:x\n")
    with pytest.raises(ValueError, match=r"^Block 1 of SvmlightBlocks\('.*a.svm'\): Line 13: "):
        SvmlightBlocks(path, block_size=10)


@pytest.mark.parametrize("header", [True, False])
def test_bad_lines_of_labels(tmp_path, header):
    path = tmp_path / "a.txt"
    lines = [b"3 5 2"] * header + [b"0 1:1", b"1,9 2:1", b"1 2:1"]
    path.write_bytes(b"\n".join(lines))
    sizes = {} if header else {"n_features": 5, "n_labels": 2}
    with pytest.raises(ValueError, match=f"^Line {2 + header} has label 9, but must be below 2"):
        MultilabelBlocks(path, header=header, **sizes).read(0)
    source = MultilabelBlocks(path, header=header, on_error="skip", **sizes)
    assert source.read(0)[1].toarray().tolist() == [[1, 0], [0, 1]]
    assert source.n_skipped == 1


def test_headers(tmp_path):
    path = tmp_path / "a.txt"
    for text, message in [
        (b"1 2\n0 1:1\n", "must be a header of three numbers"),
        (b"2 3 1\n0 1:1\n", "says that there are 2 samples, but there are at most 1 lines"),
        (b"", "must be a header"),
    ]:
        path.write_bytes(text)
        with pytest.raises(ValueError, match=message):
            MultilabelBlocks(path, block_size=1)
    path.write_bytes(b"2 3 1\n0 1:1\n0 1:1\n0 1:1\n")
    with pytest.raises(ValueError, match="more samples than its header says: 2"):
        MultilabelBlocks(path).read(0)
    for sizes in ({"header": False}, {"n_features": 3}, {"header": False, "n_labels": 3}):
        with pytest.raises(ValueError, match="in the header, and needed without one"):
            MultilabelBlocks(path, **sizes)


@pytest.mark.parametrize(
    "given", [{"block_size": 0}, {"n_features": -1}, {"zero_based": 3}, {"on_error": "fix"}]
)
def test_parameters(tmp_path, given):
    path = tmp_path / "a.svm"
    path.write_bytes(b"1 1:1\n")
    with pytest.raises(ValueError, match=f"'{next(iter(given))}' parameter of SvmlightBlocks"):
        SvmlightBlocks(path, **given)


def test_an_empty_file_has_no_blocks(tmp_path):
    path = tmp_path / "a.svm"
    path.write_bytes(b"")
    assert SvmlightBlocks(path).n_blocks == 0
    assert issubclass(SvmlightBlocks, SparseTextBlocks)
