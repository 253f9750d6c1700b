"""Readers of files: mutated bytes, against a parser of a few lines; and makers of data."""

import gzip
import os
import re
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np

from sklearn_lsh import datasets

from .judge import REFUSED, expect

# What is put into texts.
CHARACTERS = [bytes([c]) for c in b"0017,: \n#.-+e\t\r\0\x0b\xff"]
NUMBERS = [b"1e38", b"1e-50", b"nan", b"inf", b"4294967296", b"99999999999999999999", b"0x1"]
# What messages say of a text.
LINE = r"Line \d|line \d"
FILES = "The files? .*/(uci|mnist|wordnet)"
FEATURE = re.compile(rb"(\d+):([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def play(call):
    """Make a case's calls."""
    for _ in range(call.rng.integers(5, 15)):
        load_file(call)
    call.pick(RARE)(call) if call.chance(0.2) else split(call)


def random_text(call, header):
    rng = call.rng
    n, n_features, n_labels = rng.integers(0, 4), rng.integers(1, 9), rng.integers(1, 6)
    lines = [f"{n} {n_features} {n_labels}"] if header else []
    for _ in range(n):
        labels = ",".join(map(str, rng.integers(n_labels, size=rng.integers(0, 3))))
        pairs = [
            f"{rng.integers(n_features)}:{rng.normal():.3g}" for _ in range(rng.integers(0, 4))
        ]
        lines.append(" ".join([labels, *pairs]))
    return "\n".join(lines).encode() + b"\n" * int(rng.integers(0, 3))


def mutate(call, text):
    rng = call.rng
    for _ in range(rng.integers(0, 4)):
        at = int(rng.integers(len(text) + 1))
        stop = at + int(rng.integers(0, 3))
        text = (
            text[:at] + (call.pick(CHARACTERS + NUMBERS) if call.chance(0.8) else b"") + text[stop:]
        )
    return text


def load_file(call):
    header = call.chance(0.6)
    text, extra, wrong = mutate(call, random_text(call, header)), {}, False
    if not header and call.chance(0.3):
        extra[call.pick(["n_features", "n_labels"])] = int(call.rng.integers(0, 9))
    if not header and call.chance(0.3):
        extra["zero_based"] = False
    if call.chance(0.05):
        name = call.pick(["n_features", "n_labels"])
        extra[name], wrong = call.pick([-1, 1.5, "foo", np.nan, [], 2**40]), True
        wrong = extra[name] != 2**40 or header
    if call.verbose:
        print(text, extra)
    found = call(
        datasets.load_multilabel_file,
        BytesIO(text),
        header=header,
        refuse=wrong,
        place=LINE,
        **extra,
    )
    if found is REFUSED:
        return
    X, Y = found
    for matrix in found:
        expect(np.isfinite(matrix.data).all(), "values are not finite")
        expect(not matrix.nnz or matrix.indices.max() < matrix.shape[1], "indices out of range")
        expect(matrix.indptr[-1] == len(matrix.indices) == len(matrix.data), "indptr is wrong")
    lines = [line.partition(b"#")[0] for line in text.split(b"\n")][int(header) :]
    lines = [line for line in lines if line.strip()]
    pairs = [(i, *pair) for i, line in enumerate(lines) for pair in FEATURE.findall(line)]
    values = np.array([float(value) for _, _, value in pairs])
    rounding = 1e-5 * (1 + np.abs(values).sum())
    expect(abs(X.data.sum(dtype=float) - values.sum()) <= rounding, "other values")
    expect(X.nnz == len({(i, int(index)) for i, index, _ in pairs}), "other entries")
    expect(X.shape[0] == Y.shape[0] and (header or X.shape[0] == len(lines)), "other samples")


def split(call):
    n = int(call.rng.integers(0, 9))
    y = call.pick(
        [call.rng.integers(3, size=n), ["a"] * n, np.zeros((n, 2)), None, 3, "text", [[0], [0, 1]]]
    )
    size = call.pick([0.1, 0.5, 0.99, 0, 1, -1, "foo", None, np.nan, 1.5])
    found = call(datasets.split_keeping_classes, y, test_size=size, random_state=0)
    if found is not REFUSED:
        train, test = found
        expect(sorted([*train, *test]) == list(range(len(y))), "samples are lost")


def shapes(call):
    make = call.pick([datasets.make_convex, datasets.make_rectangles])
    n = call.pick([0, 1, 5, -1, 1.5, "foo", None, np.nan, [2], True])
    found = call(make, n, random_state=call.pick([0, None, "foo", -1]))
    if found is not REFUSED:
        X, y = found
        expect(X.shape == (n, 784) and y.shape == (n,), f"shapes {X.shape} and {y.shape}")


def in_folder(files, function, call, *args, **kwargs):
    """Call a reader with copies of its files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        os.environ["SKLEARN_LSH_DATA"] = folder
        return call(function, *args, allow=(OSError, ImportError), place=FILES, **kwargs)


def zipped(call, content):
    """A compressed file, now and then a broken one."""
    content = gzip.compress(mutate(call, content))
    return mutate(call, content) if call.chance(0.3) else content


def uci(call):
    rows = "\n".join("1,2,3.5" for _ in range(4)).encode()
    mask = b"\n".join([b"1 0"] * 2 + [b"0 1"] * 2).replace(b" ", b",")
    files = {"uci/bike/data.csv.gz": rows, "uci/bike/test_mask.csv.gz": mask}
    files = {name: zipped(call, content) for name, content in files.items()}
    fold = call.pick([0, 1, 1, 2, -1, "foo", None])
    found = in_folder(files, datasets.load_uci, call, "bike", fold=fold)
    if found is not REFUSED:
        expect(found[0].shape[1:] == found[1].shape[1:], "other columns")


def mnist(call):
    files = {}
    for part in ("train", "t10k"):
        images = np.array([2051, 2, 28, 28], ">i4").tobytes() + bytes(2 * 784)
        labels = np.array([2049, 2], ">i4").tobytes() + b"\x01\x02"
        for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
            files[f"mnist/{part}-{kind}-ubyte.gz"] = zipped(call, content)
    in_folder(files, datasets.fetch_mnist, call, "mnist")


def wordnet(call):
    entry = (
        b"00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is\n"
        b"00001930 03 n 01 thing 0 001 @ 00001740 n 0000 | a thing\n"
    )
    files = {"wordnet/data.noun": mutate(call, entry), "wordnet/data.verb": b""}
    in_folder(
        files, datasets.load_wordnet, call, n_levels=call.pick([0, 1, 3, -1, "foo", None, 1.5])
    )


RARE = [split, split, shapes, uci, mnist, wordnet]
