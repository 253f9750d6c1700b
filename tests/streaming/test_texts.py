"""Blocks of lines are found in a file, plain or compressed, and are what the file has."""

import gzip
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.streaming import texts
from sklearn_lsh.streaming.texts import TextBlocks

from ..support.kernel_cases import quick


def write(path, text, n_parts=1):
    if path.suffix == ".gz":  # several parts are one file, too
        cuts = np.linspace(0, len(text), n_parts + 1).astype(int)
        path.write_bytes(b"".join(gzip.compress(text[a:b]) for a, b in pairwise(cuts)))
    else:
        path.write_bytes(text)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(texts, "CHUNK", 50)
    monkeypatch.setattr(texts, "COMPRESSED_CHUNK", 40)


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
@quick
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    n_lines=st.integers(1, 6),
    skip=st.integers(0, 2),
    ends=st.booleans(),
    n_parts=st.integers(1, 3),
)
def test_blocks_are_what_the_file_has(name, tmp_path_factory, lines, n_lines, skip, ends, n_parts):
    path = tmp_path_factory.mktemp("texts") / name
    text = b"\n".join(lines) + b"\n" * ends
    write(path, text, n_parts)
    blocks = TextBlocks(path, n_lines, skip)
    wanted = text.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert blocks.head.split(b"\n")[:skip] == wanted[:skip] or len(wanted) < skip
    wanted = wanted[skip:]
    assert len(blocks.places) == -(-len(wanted) // n_lines)
    for k in reversed(range(len(blocks.places))):  # in any order
        found = wanted[k * n_lines : (k + 1) * n_lines]
        assert blocks.read(k) == b"".join(line + b"\n" for line in found)
        assert blocks.places[k].first_line == 1 + skip + k * n_lines


def test_of_a_compressed_file_only_what_is_needed_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "a.gz"
    rng = np.random.default_rng(0)
    write(path, b"".join(b"%d\n" % number for number in rng.integers(10**9, size=5000)))
    blocks = TextBlocks(path, 100)
    unpacked, unpack = [], texts.GzipText._unpack

    def counting(self, packed, state):
        text, state = unpack(self, packed, state)
        unpacked.append(len(text))
        return text, state

    monkeypatch.setattr(texts.GzipText, "_unpack", counting)
    assert blocks.read(40).count(b"\n") == 100
    assert sum(unpacked) < 1500  # of 50,000


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_a_file_that_has_changed(tmp_path, name):
    path = tmp_path / name
    write(path, b"1\n2\n3\n")
    blocks = TextBlocks(path, 2)
    write(path, b"1\n2\n3\n4\n")
    with pytest.raises(ValueError, match="has changed since"):
        blocks.read(0)


def test_files_that_are_damaged(tmp_path):
    path, text = tmp_path / "a.gz", b"".join(b"%d\n" % i for i in range(1000))
    packed = gzip.compress(text)
    path.write_bytes(packed[:-20])
    with pytest.raises(ValueError, match="ends in the middle"):
        TextBlocks(path, 10)
    path.write_bytes(packed[:100] + b"xxxxx" + packed[105:])
    with pytest.raises(ValueError, match="cannot be decompressed"):
        TextBlocks(path, 10)


@pytest.mark.parametrize("name", ["a.bz2", "a.xz", "a.zst"])
def test_other_ways_to_compress(tmp_path, name):
    with pytest.raises(ValueError, match="decompress it, or use gzip"):
        TextBlocks(tmp_path / name, 10)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        TextBlocks(tmp_path / "a.txt", 10)
