"""Texts with many classes or labels: as they are published, and made small."""

import gzip
import json
import sys

import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.datasets import copies, load_icd10cm, load_lemmas, load_wordnet


def test_icd10cm():
    pytest.importorskip("simple_icd_10_cm")
    texts, codes = load_icd10cm()
    assert texts.shape == codes.shape
    assert len(texts) > 50_000
    assert len(set(zip(texts, codes, strict=True))) == len(texts)
    assert codes[list(texts).index("classical cholera")] == "A00.0"
    assert not any(", initial encounter" in text for text in texts)
    assert max(map(len, codes)) == 5


@pytest.fixture
def lookups(tmp_path, monkeypatch):
    """A tiny package in the place of spacy-lookups-data."""
    data = tmp_path / "spacy_lookups_data" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    table = {"Häuser": "Haus", "Hauses": "Haus", "Haus": "Haus", "Katzen": "Katze", "geht": "gehen"}
    path = data / "de_lemma_lookup.json.gz"
    path.write_bytes(gzip.compress(json.dumps(table).encode()))
    monkeypatch.syspath_prepend(tmp_path)


def test_lemmas(lookups):
    forms, lemmas = load_lemmas("de", min_forms=3)
    assert forms.tolist() == ["Häuser", "Hauses", "Haus"]
    assert lemmas.tolist() == ["Haus"] * 3
    assert len(load_lemmas(min_forms=1)[0]) == 5
    with pytest.raises(ValueError, match="language must be one of de, got 'tlh'"):
        load_lemmas("tlh")


def test_lemmas_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy_lookups_data", None)
    monkeypatch.setattr("sklearn_lsh.datasets.texts.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install spacy-lookups-data"):
        load_lemmas()


@pytest.mark.parametrize(("language", "n", "n_classes"), [("de", 280_817, 29_395)])
def test_real_lemmas(language, n, n_classes):
    pytest.importorskip("spacy_lookups_data")
    forms, lemmas = load_lemmas(language)
    assert len(forms) == len(set(forms)) == n
    assert len(set(lemmas)) == n_classes


# The format of wndb(5): number, file, part of speech, words (hexadecimal), pointers, gloss.
NOUNS = """  1 A licence, of which the
  2 lines start with spaces
00000001 03 n 01 thing 0 001 ~ 00000002 n 0000 | what is
00000002 03 n 02 animal 0 beast 0 002 @ 00000001 n 0000 ~ 00000003 n 0000 | what lives; "a | b"
00000003 05 n 01 cat 0 002 @ 00000002 n 0000 + 00000009 v 0101 | what purrs
00000004 05 n 01 Tom 0 002 @i 00000003 n 0000 @ 00000001 n 0000 | one that purrs
"""


VERBS = """00000008 29 v 01 act 0 000 01 + 02 00 | do
00000009 29 v 0a a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 001 @ 00000008 v 0000 01 + 02 00 | purr
"""


def test_wordnet_from_a_copy(folder):
    (folder / "wordnet").mkdir()
    for name, text in (("noun", NOUNS), ("verb", VERBS)):
        (folder / "wordnet" / f"data.{name}").write_text(text, encoding="utf-8")
    glosses, labels, names = load_wordnet(n_levels=2)
    assert glosses.tolist() == ['what lives; "a | b"', "what purrs", "one that purrs", "purr"]
    words = ["thing.n.00000001", "animal.n.00000002", "cat.n.00000003", "act.v.00000008"]
    assert names.tolist() == words
    expected = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]]
    assert_array_equal(labels.toarray(), expected)
    assert labels.has_canonical_format
    assert load_wordnet(n_levels=1)[1].nnz == 5


def test_wordnet_without_a_copy_says_where_to_get_it(folder):
    with pytest.raises(FileNotFoundError, match="Debian's package wordnet-base"):
        load_wordnet()


def test_wordnet_says_what_is_wrong(folder):
    (folder / "wordnet").mkdir()
    (folder / "wordnet" / "data.noun").write_text("00000001 03 n 02 thing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"data\.noun is not as it should be"):
        load_wordnet()
    with pytest.raises(ValueError, match="n_levels must be an integer of at least 1, got 0"):
        load_wordnet(n_levels=0)


@pytest.mark.skipif(copies.find_folder("wordnet") is None, reason="WordNet is not installed")
def test_real_wordnet():
    glosses, labels, names = load_wordnet()
    assert labels.shape == (len(glosses), len(names)) == (95_322, 20_472)
