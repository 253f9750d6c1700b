"""Omniglot from copies: packed, in zip files, and what is said where there is none."""

import io
import zipfile

import numpy as np
import pytest
from matplotlib.image import imsave
from numpy.testing import assert_array_equal

from sklearn_lsh.datasets import fetch_omniglot, fetch_omniglot_runs
from sklearn_lsh.datasets.omniglot import EVALUATION_ALPHABETS, OmniglotRun, _read_png

RNG = np.random.default_rng(0)
DRAWINGS = RNG.random((2, 20, 105, 105)) < 0.9
PARTS = ("images_background", "images_evaluation")


def png(drawing, mode="1"):
    """A drawing as PIL writes it."""
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(drawing).convert(mode).save(file, "png")
    return file.getvalue()


def filtered_png(drawing, kind):
    """A drawing whose lines are filtered in one of PNG's ways, by their formulas."""
    import zlib

    packed = np.packbits(drawing, axis=1).astype(int)
    out = bytearray()
    for y, line in enumerate(packed):
        out.append(kind)
        for x, value in enumerate(line):
            left = packed[y, x - 1] if x else 0
            up = packed[y - 1, x] if y else 0
            corner = packed[y - 1, x - 1] if x and y else 0
            guess = left + up - corner
            nearest = min((abs(guess - each), i) for i, each in enumerate((left, up, corner)))[1]
            paeth = (left, up, corner)[nearest]
            out.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) % 256)

    def chunk(name, body):
        return (
            len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
        )

    size = b"".join(n.to_bytes(4, "big") for n in drawing.shape[::-1])
    header = chunk(b"IHDR", size + bytes([1, 0, 0, 0, 0]))
    data = chunk(b"IDAT", zlib.compress(bytes(out)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", range(5))
def test_pictures_in_all_filters(kind):
    assert_array_equal(_read_png(filtered_png(DRAWINGS[0, 0], kind)), DRAWINGS[0, 0])


def test_pictures_as_others_write_them():
    assert_array_equal(_read_png(png(DRAWINGS[0, 1])), DRAWINGS[0, 1])
    with pytest.raises(ValueError, match="one bit"):
        _read_png(png(DRAWINGS[0, 1], "L"))
    file = io.BytesIO()
    imsave(file, DRAWINGS[0, 1])
    with pytest.raises(ValueError, match="one bit"):
        _read_png(file.getvalue())
    with pytest.raises(ValueError, match="not a PNG"):
        _read_png(b"text")


def write_zip(folder, name, scale=1):
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
        for character, drawings in enumerate(DRAWINGS):
            for i, drawing in enumerate(drawings[::scale]):
                path = f"{name}/Latin/character{character + 1:02}/{i + 1:04}_{i + 1:02}.png"
                file.writestr(path, filtered_png(drawing, i % 5))


@pytest.mark.parametrize("is_packed", [True, False])
def test_from_a_copy(folder, is_packed):
    own = folder / "omniglot"
    own.mkdir()
    for part in PARTS:
        if is_packed:
            np.savez_compressed(own / f"{part}.npz", images=DRAWINGS)
        else:
            write_zip(own, part)
    for given in ((), (own,), (str(own),)):
        background, evaluation = fetch_omniglot(*given)
        assert_array_equal(background, DRAWINGS)
        assert_array_equal(evaluation, DRAWINGS)
        assert background.dtype == bool


def test_runs_from_a_copy(folder):
    own = folder / "omniglot"
    own.mkdir()
    with zipfile.ZipFile(own / "all_runs.zip", "w") as file:
        for run in ("run02", "run01"):
            lines = []
            for i in range(3):
                file.writestr(f"{run}/training/class{i}.png", filtered_png(DRAWINGS[0, i], 0))
                file.writestr(f"{run}/test/item{i}.png", filtered_png(DRAWINGS[1, i], 1))
                lines.append(f"{run}/test/item{i}.png {run}/training/class{2 - i}.png")
            file.writestr(f"{run}/class_labels.txt", "\n".join(lines) + "\n")
    runs = fetch_omniglot_runs()
    assert len(runs) == 2
    assert isinstance(runs[0], OmniglotRun)
    assert_array_equal(runs[0].train, DRAWINGS[0, :3])
    assert_array_equal(runs[0].test, DRAWINGS[1, :3])
    assert_array_equal(runs[1].y_test, [2, 1, 0])


def test_what_is_not_there_or_not_right(folder):
    with pytest.raises(FileNotFoundError, match=r"github.com/brendenlake/omniglot"):
        fetch_omniglot()
    with pytest.raises(FileNotFoundError, match="folder='nowhere'"):
        fetch_omniglot_runs("nowhere")
    with pytest.raises(OSError, match="images_background"):
        fetch_omniglot(folder)
    np.savez(folder / "images_background.npz", images=DRAWINGS[:, :4])
    with pytest.raises(ValueError, match="not as it should be: bool of shape"):
        fetch_omniglot(folder)
    (folder / "all_runs.zip").write_text("no zip file")
    with pytest.raises(ValueError, match="not as it should be"):
        fetch_omniglot_runs(folder)


def test_characters_of_the_evaluation_alphabets():
    assert len(EVALUATION_ALPHABETS) == 20
    assert sum(EVALUATION_ALPHABETS) == 659
