"""From the density parameters to numbers of active neurons."""

import numpy as np
import pytest

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.estimators.density import (
    all_neurons,
    auto_hidden,
    auto_output,
    count_active,
    count_hidden,
)


@pytest.mark.parametrize(
    ("value", "width", "expected"),
    [
        (0.05, 1000, 50),
        (1, 1000, 1),
        (1.0, 1000, None),
        (1000, 1000, None),
        (0.9999, 1000, None),
        (0.0001, 1000, 1),
        (np.float32(0.5), 10, 5),
        (np.int64(5), 10, 5),
        ("auto", 499, None),
        ("auto", 500, 25),
        (1, 1, None),
    ],
)
def test_one_layer(value, width, expected):
    assert count_active(value, width, name="density", auto=auto_hidden) == expected


@pytest.mark.parametrize(
    ("density", "expected"),
    [
        ("auto", [None, 50]),
        (0.1, [10, 100]),
        (20, [20, 20]),
        ((0.1, 0.2), [10, 200]),
        ([1.0, "auto"], [None, 50]),
        (np.array([0.5, 0.5]), [50, 500]),
        (np.array([50, 60]), [50, 60]),
    ],
)
def test_layers(density, expected):
    assert count_hidden(density, [100, 1000]) == expected


@pytest.mark.parametrize("value", [0, -1, 11, 0.0, 1.1, -0.5, np.nan, None, "all", True, (1,)])
def test_bad_values(value):
    with pytest.raises(ValueError, match=r"^density.*10"):
        count_active(value, 10, name="density", auto=auto_hidden)


def test_wrong_number_of_values():
    with pytest.raises(ValueError, match=r"2 hidden layers.*\(100, 50\).*\[0\.5\] has 1"):
        count_hidden([0.5], [100, 50])


def test_rule_for_hidden_layers_before_selected_outputs():
    assert auto_hidden(1_999, outputs_selected=True) is None
    assert auto_hidden(2_000, outputs_selected=True) == 100


@pytest.mark.parametrize(
    ("output_density", "expected"), [("auto", [25, None]), (1.0, [25, None]), (3, [None, 3])]
)
def test_hidden_layers_are_dense_before_selected_outputs(output_density, expected):
    X, y = np.eye(6), np.arange(6)
    network = LSHMLPClassifier((500,), output_density=output_density, max_iter=1, tol=1)
    network.fit(X, y)
    assert network._description["n_active"] == expected


def test_rules_for_outputs():
    assert auto_output(1_999) is None
    assert auto_output(2_000) == 512
    assert all_neurons(10**6) is None
