"""scikit-learn's own tests of its multilayer perceptrons, with ours in their place."""

import inspect
import re
from pathlib import Path

import pytest
from sklearn.neural_network.tests import test_mlp

LBFGS = "uses the solver lbfgs"
PRIVATE = "looks at private attributes"
FLOAT64 = "expects float64"
INNER_FORM = "expects that an error names a class by its private form, True, not as it is in y, 1"
# What cannot pass: names of tests, or of one case of them, and why. The guide says the same.
DIFFERENCES = {
    "test_fit": PRIVATE,
    "test_gradient": LBFGS,
    "test_lbfgs_classification": LBFGS,
    "test_lbfgs_regression": LBFGS,
    "test_lbfgs_classification_maxfun": LBFGS,
    "test_lbfgs_regression_maxfun": LBFGS,
    "test_learning_rate_warmstart": PRIVATE,
    "test_multilabel_classification": LBFGS,
    "test_multioutput_regression": LBFGS,
    "test_partial_fit_errors": LBFGS,
    "test_nonfinite_params": FLOAT64,
    "test_predict_proba_multilabel": LBFGS,
    "test_sparse_matrices": LBFGS,
    "test_adaptive_learning_rate": PRIVATE,
    "test_warm_start": LBFGS,
    "test_n_iter_no_change": PRIVATE,
    "test_n_iter_no_change_inf": PRIVATE,
    "test_early_stopping_stratified": INNER_FORM,
    "test_mlp_param_dtypes[float64]": FLOAT64,
    "test_mlp_warm_start_no_convergence[lbfgs]": LBFGS,
    "test_mlp_vs_poisson_glm_equivalent": LBFGS,
}
CLASSES = ("from sklearn.neural_network import", "from sklearn_lsh import")
OURS = {"MLPClassifier": "LSHMLPClassifier", "MLPRegressor": "LSHMLPRegressor"}
MIGRATING = Path(__file__).parents[2] / "docs" / "user_guide" / "migrating.md"

# Its warnings are its own.
pytestmark = pytest.mark.filterwarnings("default")


def source_of_tests():
    """The tests as they are installed, but for one line that imports the classes."""
    line = re.compile(r"^from sklearn\.neural_network import (.*)$", flags=re.MULTILINE)
    ours = ", ".join(f"{ours} as {theirs}" for theirs, ours in OURS.items())
    source, n_lines = line.subn(f"from sklearn_lsh import {ours}", inspect.getsource(test_mlp))
    assert n_lines == 1
    return source


exec(compile(source_of_tests(), test_mlp.__file__, "exec"))


@pytest.fixture
def global_random_seed():
    return 42


def difference_of(name, case=""):
    """Why a test cannot pass, or None."""
    for key, reason in DIFFERENCES.items():
        test, _, part = key.rstrip("]").partition("[")
        if name == test and part in case:
            return reason
    return None


def test_the_guide_names_all_differences():
    text = MIGRATING.read_text()
    rows = re.findall(r"^\| `(test_\w+(?:\[\w+\])?)` \| (.+?) \|$", text, flags=re.MULTILINE)
    assert dict(rows) == DIFFERENCES
