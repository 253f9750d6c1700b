"""Files of samples with many labels: round trips, and what is said about bad ones."""

import bz2
import gzip
import lzma
from io import BytesIO, StringIO

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from sklearn_lsh.datasets import load_multilabel_file, multilabel_files

from ..support.kernel_cases import quick, ragged

COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def assert_tidy(matrix, expected, dtype):
    __tracebackhide__ = True
    assert isinstance(matrix, sp.csr_array)
    assert matrix.dtype == dtype
    fresh = sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
    fresh.check_format(full_check=True)
    assert fresh.has_canonical_format
    assert_array_equal(matrix.toarray(), expected)


def write(X, labels, header=True, offset=0, end="\n"):
    """Text of a `Ragged` batch and lists of labels."""
    lines = [f"{X.n_rows} {X.n_columns} 7"] if header else []
    for row in range(X.n_rows):
        pairs = range(X.indptr[row], X.indptr[row + 1])
        features = [f"{X.indices[p] + offset}:{X.data[p]!s}" for p in pairs]
        lines.append(" ".join([",".join(map(str, labels[row])), *features]))
    return "".join(line + end for line in lines).encode()


@st.composite
def samples(draw):
    X = draw(ragged(duplicates=False))
    one = st.lists(st.integers(0, 6), unique=True, max_size=4)
    return X, draw(st.lists(one, min_size=X.n_rows, max_size=X.n_rows))


@quick
@given(samples(), st.sampled_from(["\n", " \r\n", "\t# a, comment: 1:2\n"]), st.integers(1, 40))
def test_round_trip(sample, end, chunk):
    X, labels = sample
    expected = [[label in row for label in range(7)] for row in labels]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multilabel_files, "CHUNK", chunk)
        read_X, read_Y = load_multilabel_file(BytesIO(write(X, labels, end=end)))
    assert_tidy(read_X, X.matrix().astype(np.float32), np.float32)
    assert_tidy(read_Y, np.reshape(expected, (-1, 7)), np.uint8)


@quick
@given(samples(), st.booleans())
def test_round_trip_without_a_header(sample, zero_based):
    X, labels = sample
    # A line of nothing is no sample here.
    kept = [row for row in range(X.n_rows) if labels[row] or X.row(row).size]
    text = write(X, labels, header=False, offset=0 if zero_based else 1)
    read_X, read_Y = load_multilabel_file(
        BytesIO(text),
        header=False,
        n_features=X.n_columns,
        n_labels=7,
        zero_based=zero_based,
    )
    assert_tidy(read_X, X.matrix()[kept].astype(np.float32), np.float32)
    expected = [[label in labels[row] for label in range(7)] for row in kept]
    assert_tidy(read_Y, np.reshape(expected, (-1, 7)), np.uint8)


@quick
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers(values):
    """As Python reads them, however they are written."""
    for form in ("{!r}", "{:.9e}", "{:+.20g}", "{:.3f}", "{:G}"):
        texts = [form.format(value) for value in values]
        text = "0 " + " ".join(f"{i}:{number}" for i, number in enumerate(texts))
        X, _ = load_multilabel_file(BytesIO(text.encode()), header=False, n_features=len(values))
        expected = np.array(list(map(float, texts)), np.float32)
        # The last bits of a double may differ, which now and then is the last bit of a float.
        np.testing.assert_array_max_ulp(X.toarray()[0], expected, maxulp=1)


@pytest.mark.parametrize("text", ["1:5", "1:5.", "1:.5e1", "1:+5", "1:50E-1", "1:0.05e+2", " 1:5"])
def test_ways_to_write_a_number(text):
    X, Y = load_multilabel_file(BytesIO(text.encode()), header=False, n_labels=2)
    assert X.toarray().tolist() == [[0, 5]]
    assert Y.nnz == 0


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X = sp.random_array((50, 30), density=0.2, rng=rng, format="csr")
    Y = sp.csr_array((rng.random((50, 9)) < 0.3).astype(int))
    file = BytesIO()
    dump_svmlight_file(X, Y, file, multilabel=True, zero_based=False)
    file.seek(0)
    expected, labels = load_svmlight_file(file, multilabel=True, n_features=30, dtype=np.float32)
    file.seek(0)
    read_X, read_Y = load_multilabel_file(file, header=False, n_features=30, zero_based=False)
    np.testing.assert_allclose(read_X.toarray(), expected.toarray(), rtol=1e-6)
    assert [tuple(row.indices) for row in read_Y] == [tuple(map(int, row)) for row in labels]


def test_paths_and_files(tmp_path):
    text = b"1 3 2\n1 2:0.5"  # a last line without its end
    (tmp_path / "plain.txt").write_bytes(text)
    for ending, compress in COMPRESS.items():
        (tmp_path / f"packed.txt{ending}").write_bytes(compress(text))
    packed = [str(tmp_path / f"packed.txt{ending}") for ending in COMPRESS]
    for path in (tmp_path / "plain.txt", *packed):
        X, Y = load_multilabel_file(path)
        assert X.toarray().tolist() == [[0, 0, 0.5]]
        assert Y.toarray().tolist() == [[0, 1]]
    with gzip.open(tmp_path / "packed.txt.gz") as file:
        assert load_multilabel_file(file)[0].nnz == 1
        assert not file.closed
    with pytest.raises(TypeError, match="binary mode"):
        load_multilabel_file(StringIO(text.decode()))
    with pytest.raises(TypeError, match="binary mode"):
        load_multilabel_file(StringIO(text.decode()), header=False)


def test_repetitions_and_disorder():
    X, Y = load_multilabel_file(BytesIO(b"1 4 4\n3,0,3 2:1 0:4 2:0.5\n\n\n"))
    assert_tidy(X, [[4, 0, 1.5, 0]], np.float32)
    assert_tidy(Y, [[1, 0, 0, 1]], np.uint8)


def test_nothing():
    X, Y = load_multilabel_file(BytesIO(b""), header=False, n_features=3)
    assert X.shape == (0, 3)
    assert Y.shape == (0, 0)
    X, Y = load_multilabel_file(BytesIO(b"2 3 4\n\n\n"))
    assert (X.shape, Y.shape, X.nnz, Y.nnz) == ((2, 3), (2, 4), 0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Line 1 must be a header"),
        ("1 2\n", "Line 1 must be a header of three numbers .*'1 2'.*header=False"),
        ("0,1 3:2\n", "Line 1 must be a header"),
        ("2 9 9\n1 1:1\n1,b 1:2\n", "Line 3: labels must be integers.*'1,b'"),
        ("1 9 9\n1, 2 1:2\n", "Line 2: labels must be integers, separated by commas.*'1,'"),
        ("1 9 9\n-1 1:2\n", "Line 2: labels must be integers.*'-1'"),
        ("1 9 9\n1 2\n", "Line 2: a feature must be 'index:value', but got '2'"),
        ("1 9 9\n1,2:1\n", "Line 2: a feature must be.*'1,2:1'"),
        ("1 9 9\n1 1:x\n", "Line 2: a feature must be.*'1:x'"),
        ("1 9 9\n1 1:2:3\n", "Line 2: a feature must be.*'1:2:3'"),
        ("1 9 9\n1 1:\n", "Line 2: a feature must be.*'1:'"),
        ("1 9 9\n1 1:1e\n", "Line 2: a feature must be.*'1:1e'"),
        ("1 9 9\n1 1:.\n", "Line 2: a feature must be.*'1:.'"),
        ("1 9 9\n1 1:nan\n", "Line 2: a feature must be.*'1:nan'"),
        ("1 9 9\n1 qid:1 1:2\n", "Line 2: a feature must be.*'qid:1'"),
        ("1 9 9\n1 -1:2\n", "Line 2: a feature must be.*'-1:2'"),
        ("1 9 9\n1 4294967297:2\n", "Line 2 has a number that is too large"),
        ("1 9 9\n4294967297 1:2\n", "Line 2 has a number that is too large"),
        ("1 9 9\n1 1:1e39\n", "Line 2 has a value too large for float32"),
        ("3 9 9\n1 8:1\n1\n1 9:1\n", "Line 4 has feature index 9, but must be below 9"),
        ("3 9 9\n1 8:1\n\n2,9\n", "Line 4 has label 9, but must be below 9"),
        ("3 9 9\n1 8:1\n", "there are 3 samples, but only 1 lines follow"),
        ("1 9 9\n1 8:1\n\n1 8:1\n", "Line 3 is one too many"),
        ("1 9 9\n# 1\n1 8:1\n# 2\n1 8:1\n", "Line 5 is one too many"),
        ("1 1" + 20 * "0" + " 3\n0 1:1\n", "Line 1 must be a header with at most 2147483648"),
        ("1 3 2147483649\n0 1:1\n", "Line 1 must be a header with at most 2147483648"),
        ("1" + 20 * "0" + " 3 3\n0 1:1\n", "there are 100000000000000000000 samples, but only 1"),
        ("1" + 9999 * "0" + " 3 3\n0 1:1\n", "samples, but only 1 lines follow"),
        ("2 9 9\n1 1:1\n0 1:3e38 1:3e38\n", "Line 3 has a value too large for float32"),
        ("1 9 9\n0\x0b1:1\n", "Line 2: a feature must be 'index:value', but got '0.+x0b1:1'"),
        ("1 9 9\n0\x0c 1:1\n", "Line 2: labels must be integers"),
        ("1 9 9\n0 1:1\x0b\n", "Line 2: a feature must be 'index:value'"),
        ("1 9 9\n\x0b1:1\n", "Line 2: a feature must be 'index:value'"),
    ],
)
def test_bad_files(text, message):
    with pytest.raises(ValueError, match=message):
        load_multilabel_file(BytesIO(text.encode()))


def test_bad_files_without_a_header():
    """Lines are counted though comments are skipped, and over chunks."""
    with pytest.raises(ValueError, match=r"^Line 3: a feature must be"):
        load_multilabel_file(BytesIO(b"# 1:2\n1 1:1\n1 x\n"), header=False)
    with pytest.raises(ValueError, match=r"^Line 2 has index 0, but the first is 1"):
        load_multilabel_file(BytesIO(b"1 1:1\n1 0:1\n"), header=False, zero_based=False)
    with pytest.raises(ValueError, match=r"^Line 3 has label 5, but must be below 5"):
        load_multilabel_file(BytesIO(b"1 1:1\n\n5 1:1\n"), header=False, n_labels=5)
    with pytest.raises(ValueError, match="are in the header"):
        load_multilabel_file(BytesIO(b""), n_labels=5)


def test_line_numbers_over_chunks(monkeypatch):
    monkeypatch.setattr(multilabel_files, "CHUNK", 11)
    text = b"9 3 3\n" + b"1 1:1.5\n" * 7 + b"1 1:?\n1 1:1\n"
    with pytest.raises(ValueError, match=r"^Line 9: .*'1:\?'"):
        load_multilabel_file(BytesIO(text))


@pytest.mark.parametrize("ending", COMPRESS)
def test_damaged_archives(tmp_path, ending):
    packed = COMPRESS[ending](b"1 3 2\n1 2:0.5\n" * 1000)
    path = tmp_path / f"packed{ending}"
    for damaged in (packed[:-20], packed[:30], packed[:20] + b"xxxxxxxx" + packed[28:]):
        path.write_bytes(damaged)
        with pytest.raises((ValueError, OSError)):
            load_multilabel_file(path)
    path.write_bytes(packed[:-20])
    with pytest.raises(ValueError, match=f"packed{ending} cannot be decompressed"):
        load_multilabel_file(path, header=False)


def test_comments_are_no_samples():
    X, Y = load_multilabel_file(
        BytesIO(b"3 4 3 # sizes\n# note\n1 0:1\n\n#\n \t# nothing\n# end\n")
    )
    assert_tidy(X, [[1, 0, 0, 0], [0] * 4, [0] * 4], np.float32)
    assert_tidy(Y, [[0, 1, 0], [0] * 3, [0] * 3], np.uint8)


@pytest.mark.parametrize("name", ["n_features", "n_labels"])
@pytest.mark.parametrize("bad", [-1, 1.5, "x", True, 2**31 + 1])
def test_numbers_of_columns_that_are_none(name, bad):
    with pytest.raises(ValueError, match=f"'{name}' parameter of load_multilabel_file must be"):
        load_multilabel_file(BytesIO(b"1 0:1\n"), header=False, **{name: bad})


def test_parameters_of_other_types():
    for bad in ({"header": "no"}, {"zero_based": 1.5}, {"label_file": 5}):
        with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of"):
            load_multilabel_file(BytesIO(b"1 1 1\n"), **bad)
    for bad in (5, None, ["name"]):
        with pytest.raises(ValueError, match="'file' parameter of"):
            load_multilabel_file(bad)


def test_features_and_labels_in_two_files(tmp_path):
    features, labels = b"3 4\n0:1.5 2:1\n\n3:2 3:1\n", b"3 3\n2:1.0 0:1\n1:0 2:1\n# none\n\n"
    for read in (BytesIO, lambda text: text):
        if read is not BytesIO:
            (tmp_path / "trn_X_Xf.txt").write_bytes(features)
            (tmp_path / "trn_X_Y.txt.xz").write_bytes(lzma.compress(labels))
            files = tmp_path / "trn_X_Xf.txt", tmp_path / "trn_X_Y.txt.xz"
        else:
            files = BytesIO(features), BytesIO(labels)
        X, Y = load_multilabel_file(*files)
        assert_tidy(X, [[1.5, 0, 1, 0], [0] * 4, [0, 0, 0, 3]], np.float32)
        assert_tidy(Y, [[1, 0, 1], [0, 0, 1], [0, 0, 0]], np.uint8)


def test_two_files_without_headers():
    X, Y = load_multilabel_file(
        BytesIO(b"1:1\n\n4:2\n"), BytesIO(b"0:1\n1:1\n\n"), header=False, zero_based=False
    )
    assert_tidy(X, [[1, 0, 0, 0], [0] * 4, [0, 0, 0, 2]], np.float32)
    assert_tidy(Y, [[1, 0], [0, 1], [0, 0]], np.uint8)


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ("2 4\n0:1\n1:1\n", "1 3\n0:1\n", "file has 2 samples, but label_file has 1"),
        ("1 4 3\n0:1\n", "1 3\n0:1\n", "file: Line 1 must be a header of two numbers"),
        ("1 4\n0:1\n", "1\n0:1\n", "label_file: Line 1 must be a header of two numbers"),
        ("1 4\n2 0:1\n", "1 3\n0:1\n", "file: Line 2 has labels, which label_file has"),
        ("1 4\n0:1\n", "1 3\n1,2\n", "label_file: Line 2 has labels"),
        ("1 4\n4:1\n", "1 3\n0:1\n", "Line 2 has feature index 4, but must be below 4"),
        ("1 4\n0:1\n", "1 3\n3:1\n", "Line 2 has label 3, but must be below 3"),
        ("1 4\n0:1\n", "2 3\n0:1\n", "label_file: The header .* 2 samples, but only 1 lines"),
        ("1 4\n0:x\n", "1 3\n0:1\n", "file: Line 2: a feature must be"),
    ],
)
def test_two_files_that_do_not_fit(features, labels, message):
    with pytest.raises(ValueError, match=message):
        load_multilabel_file(BytesIO(features.encode()), BytesIO(labels.encode()))
