"""Texts of many classes, from packages that anyone can install."""

from __future__ import annotations

import gzip
import json
import re
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh.datasets.copies import ENVIRONMENT_VARIABLE, find_folder, reading

# How descriptions of ICD-10-CM end that differ in the encounter alone.
_ENCOUNTER = re.compile(r", (initial encounter|subsequent encounter|sequela).*$")
# Characters of a code that are its class.
_CLASS_LENGTH = len("S02.4")
# The package that has the lemmas.
_LEMMAS_PACKAGE = "spacy_lookups_data"
# WordNet's symbols of pointers to hypernyms: of a class, and of an instance.
_HYPERNYMS = ("@", "@i")


def load_icd10cm() -> tuple[np.ndarray, np.ndarray]:
    """Load descriptions of diagnoses and their codes, from the package `simple-icd-10-cm`.

    For every category and subcategory of ICD-10-CM its description and inclusion terms, in
    lower case, without the encounter that they end with (", initial encounter ..."). The class
    is the code's first four characters. About half of the classes have a single text.

    Returns
    -------
    texts : ndarray of str objects of shape (n_samples,)
        Different from each other within a class, though a text may stand in two classes.
    codes : ndarray of str of shape (n_samples,)
        Their classes, such as ``"S02.4"``; categories without subcategories have no dot.

    Raises
    ------
    ImportError
        If simple-icd-10-cm is not installed; it comes with the extra ``examples``.

    Examples
    --------
    >>> from sklearn_lsh.datasets import load_icd10cm
    >>> texts, codes = load_icd10cm()
    >>> texts[0], str(codes[0])
    ('cholera', 'A00')
    """
    import simple_icd_10_cm as icd

    pairs = dict.fromkeys(
        (_ENCOUNTER.sub("", text).lower(), code[:_CLASS_LENGTH])
        for code in icd.get_all_codes(with_dots=True)
        if icd.is_category(code) or icd.is_subcategory(code)
        for text in (icd.get_description(code), *icd.get_inclusion_term(code))
    )
    texts, codes = zip(*pairs, strict=True)
    return np.array(texts, dtype=object), np.array(codes)


def load_lemmas(language: str = "de", *, min_forms: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Load word forms and their lemmas, from the package `spacy-lookups-data`.

    Lemmas of few forms are left out. Character n-grams tell lemmas well:
    ``HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=2**18)``.

    Parameters
    ----------
    language : str, default="de"
        A language that the package has a table ``<language>_lemma_lookup`` of. In version 1.0.5
        German ("de") has 280,817 forms of 29,395 lemmas with five forms or more, Croatian
        ("hr") 1,272,698 forms of 83,136 lemmas.
    min_forms : int, default=5
        Fewest forms of a lemma.

    Returns
    -------
    forms : ndarray of str objects of shape (n_samples,)
        Word forms, each once.
    lemmas : ndarray of str of shape (n_samples,)
        Their lemmas, the classes.

    Raises
    ------
    ImportError
        If spacy-lookups-data is not installed; it comes with the extra ``lemmas``.
    ValueError
        If it has no such language.

    Examples
    --------
    >>> from sklearn_lsh.datasets import load_lemmas
    >>> forms, lemmas = load_lemmas("de")
    >>> str(lemmas[list(forms).index("Häuser")])
    'Haus'
    """
    package = find_spec(_LEMMAS_PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ModuleNotFoundError(
            "load_lemmas needs the package spacy-lookups-data: pip install spacy-lookups-data",
            name=_LEMMAS_PACKAGE,
        )
    folder, ending = Path(package.submodule_search_locations[0], "data"), "_lemma_lookup.json.gz"
    path = folder / f"{language}{ending}"
    if not path.exists():
        languages = sorted(other.name.removesuffix(ending) for other in folder.glob(f"*{ending}"))
        raise ValueError(f"language must be one of {', '.join(languages)}, got {language!r}.")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lookup = json.load(file)
    forms, lemmas = np.array(list(lookup), dtype=object), np.array(list(lookup.values()))
    _, lemma, counts = np.unique(lemmas, return_inverse=True, return_counts=True)
    kept = counts[lemma] >= min_forms
    return forms[kept], lemmas[kept]


def load_wordnet(*, n_levels: int = 3) -> tuple[np.ndarray, csr_array, np.ndarray]:
    """Load the glosses of WordNet's nouns and verbs, labelled with their nearest hypernyms.

    A sample is a sense of a word: the text that explains it, examples included. Its labels are
    the senses that are one, two, ... levels more general. In WordNet 3.0 there are 95,322
    senses with hypernyms, and 20,472 labels with three levels.

    Files are those of Debian's package ``wordnet-base`` (``data.noun``, ``data.verb``), or a
    copy of them in the folder ``wordnet`` of that which ``SKLEARN_LSH_DATA`` names.

    Parameters
    ----------
    n_levels : int, default=3
        How many levels up the labels are.

    Returns
    -------
    glosses : ndarray of str objects of shape (n_samples,)
        Texts.
    labels : csr_array of shape (n_samples, n_labels), dtype=uint8
        Label indicators.
    names : ndarray of str of shape (n_labels,)
        What the columns stand for, such as ``"physical_entity.n.00001930"``: the first word of
        the sense, its part of speech and its number.

    Raises
    ------
    OSError
        If there is no copy.
    ValueError
        If `n_levels` is no positive integer, or a file is not as it should be.

    References
    ----------
    G. A. Miller, "WordNet: a lexical database for English", Communications of the ACM 38(11),
    1995.

    Examples
    --------
    >>> from sklearn_lsh.datasets import load_wordnet
    >>> glosses, labels, names = load_wordnet()
    >>> glosses[0]
    'an entity that has physical existence'
    >>> str(names[labels[[0]].indices[0]])
    'entity.n.00001740'
    """
    if not isinstance(n_levels, Integral) or n_levels < 1:
        raise ValueError(f"n_levels must be an integer of at least 1, got {n_levels!r}.")
    folder = find_folder("wordnet")
    if folder is None:
        raise FileNotFoundError(
            "There is no copy of WordNet: install Debian's package wordnet-base, or let the "
            f"environment variable {ENVIRONMENT_VARIABLE} name a folder with wordnet/data.noun "
            "and wordnet/data.verb."
        )
    senses = {}
    for part in ("noun", "verb"):
        path = folder / f"data.{part}"
        with reading(path):
            senses |= _read_senses(path)
    samples = [sense for sense in senses.values() if sense.hypernyms]
    ancestors = [_find_ancestors(sense, senses, n_levels) for sense in samples]
    labels = sorted(set().union(*ancestors))
    columns = {label: column for column, label in enumerate(labels)}
    indices = np.array([columns[label] for row in ancestors for label in sorted(row)], np.int32)
    indptr = np.cumsum([0, *map(len, ancestors)])
    Y = csr_array(
        (np.ones(len(indices), np.uint8), indices, indptr), shape=(len(samples), len(labels))
    )
    texts = np.array([sense.gloss for sense in samples], dtype=object)
    return texts, Y, np.array([senses[label].name for label in labels])


class _Sense(NamedTuple):
    """A sense of a word in WordNet.

    Attributes
    ----------
    key : (str, str)
        Part of speech, and number.
    name : str
        The first word, with both.
    hypernyms : list of (str, str)
        Keys of the senses that are one level more general.
    gloss : str
        The text that explains it.
    """

    key: tuple
    name: str
    hypernyms: list
    gloss: str


def _read_senses(path: Path) -> dict:
    """Read the senses of a data file, by their keys."""
    lines = path.read_text(encoding="utf-8").splitlines()
    # The licence at the top is indented.
    senses = [_read_sense(line) for line in lines if not line.startswith("  ")]
    return {sense.key: sense for sense in senses}


def _read_sense(line: str) -> _Sense:
    """Read a line of a data file (its format is in WordNet's manual, wndb(5))."""
    fields, _, gloss = line.partition(" | ")
    number, _, part, n_words, *rest = fields.split()
    pointers = rest[2 * int(n_words, base=16) :]
    starts = range(1, 1 + 4 * int(pointers[0]), 4)
    hypernyms = [(pointers[i + 2], pointers[i + 1]) for i in starts if pointers[i] in _HYPERNYMS]
    return _Sense((part, number), f"{rest[0]}.{part}.{number}", hypernyms, gloss.strip())


def _find_ancestors(sense, senses, n_levels: int) -> set:
    """Keys of all senses that are up to so many levels above a sense."""
    found, level = set(), {sense.key}
    for _ in range(n_levels):
        level = {
            hypernym for key in level for hypernym in senses[key].hypernyms if hypernym in senses
        }
        found |= level
    return found
