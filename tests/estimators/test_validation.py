"""The validation set: how rows are split, and how a network is measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.estimators.validation import ValidationSet, make_score, split_rows

ROWS = np.arange(100, 160)


def split(strata=None, fraction=0.2, seed=0):
    return split_rows(ROWS, strata, fraction, np.random.RandomState(seed))


def test_rows_are_in_one_part_or_the_other():
    parts = split()
    assert len(parts.validation) == 12
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), ROWS)
    np.testing.assert_array_equal(split().validation, parts.validation)
    assert (split(seed=1).validation != parts.validation).any()


def test_labels_keep_their_shares():
    strata = np.repeat(["none of these", "rare", "frequent"], [100, 10, 50])
    for seed in range(5):
        names, counts = np.unique(strata[split(strata, seed=seed).validation], return_counts=True)
        assert names.tolist() == ["frequent", "rare"]
        assert counts.tolist() == [10, 2]


@pytest.mark.parametrize(
    "strata",
    [
        np.r_[np.zeros(159, int), 1],  # a label of a single row
        np.r_[np.zeros(100, int), np.arange(60) // 2],  # more labels than rows for validation
    ],
    ids=["single", "many"],
)
def test_labels_that_cannot_be_on_both_sides_have_no_say(strata):
    np.testing.assert_array_equal(split(strata).validation, split().validation)


@pytest.mark.parametrize("fraction", [0.0, 0.01])
def test_too_few_rows(fraction):
    with pytest.raises(ValueError, match=rf"'validation_fraction' \({fraction}\).*60 rows"):
        split(fraction=fraction)


@pytest.mark.parametrize("weight", [None, np.full(3, 2, np.float32)])
def test_measures(weight):
    X, y, target = np.zeros((3, 1)), ["a", "b", "a"], object()
    given = []
    network = SimpleNamespace(evaluate_loss=lambda *data: given.append(data) or 0.25)

    def score(X, y, **weights):
        given.append((X, y, weights))
        return 0.75

    assert ValidationSet(X, y, target, weight, None).measure(network) == (-0.25, 0.25)
    assert ValidationSet(X, y, target, weight, score).measure(network) == (0.75, 0.25)
    assert given[0] == given[1] == (X, target, weight)
    assert given[2] == (X, y, {} if weight is None else {"sample_weight": weight})


def test_scores_are_those_that_are_asked_for(digits):
    pd = pytest.importorskip("pandas")
    X, y = digits.few
    frame = pd.DataFrame(X).add_prefix("pixel ")
    estimator = LSHMLPClassifier((30,), max_iter=3, random_state=0).fit(frame, y)
    assert make_score(estimator.set_params(scoring="loss")) is None
    # No names of features are asked for: the validated X has none.
    assert make_score(estimator.set_params(scoring=None))(X, y) == estimator.score(frame, y)
    weight = np.where(y < 5, 1.0, 0.0)
    weighted = make_score(estimator)(X, y, sample_weight=weight)
    assert weighted == estimator.score(frame, y, weight)
    assert "feature_names_in_" in vars(estimator)
