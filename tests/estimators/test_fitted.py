"""Fitted attributes are read where they are kept, and missing before."""

from types import SimpleNamespace

import pytest

from sklearn_lsh.estimators.fitted import FittedAttributes

# `settings_` is read from these.
ATTRIBUTES = sorted(vars(FittedAttributes).keys() - {"settings_"})
ATTRIBUTES = [name for name in ATTRIBUTES if name[0] != "_"]
OF_NETWORK = {"coefs_", "intercepts_"}


class Estimator(FittedAttributes):
    pass


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_read_from_the_network_and_the_history(name):
    estimator = Estimator()
    assert not hasattr(estimator, name)
    with pytest.raises(AttributeError, match=rf"'Estimator' object has no attribute '{name}'"):
        getattr(estimator, name)
    part = "_network" if name in OF_NETWORK else "_history"
    kept = SimpleNamespace(**{name.removesuffix("_"): 1})
    setattr(estimator, part, kept)
    assert getattr(estimator, name) == 1
    # No copy is made that could be behind.
    setattr(kept, name.removesuffix("_"), 2)
    assert getattr(estimator, name) == 2


def test_fitted_is_what_has_both():
    estimator = Estimator()
    assert not estimator.__sklearn_is_fitted__()
    estimator._network = SimpleNamespace()
    assert not estimator.__sklearn_is_fitted__()
    estimator._history = SimpleNamespace()
    assert estimator.__sklearn_is_fitted__()
