"""Learning-rate schedules, with an optimizer that only has a rate."""

from types import SimpleNamespace

import pytest

from sklearn_lsh.estimators.schedules import (
    ADAPTIVE_DIVISOR,
    SCHEDULES,
    SMALLEST_ADAPTIVE_RATE,
    make_schedule,
)


def begin(name, n_steps=8, solver="sgd"):
    optimizer = SimpleNamespace(learning_rate=0.5, decay=None)
    schedule = make_schedule(name, solver, 0.5, 0.25)
    schedule.begin(optimizer, n_steps)
    return schedule, optimizer


@pytest.mark.parametrize(
    ("name", "decay", "rates"),
    [
        ("constant", 0, [0.5, 0.5]),
        ("adaptive", 0, [0.5, 0.5]),
        ("invscaling", 0, [0.5 / 16**0.25, 0.5 / 81**0.25]),
        ("linear", 0.0625, [0.25, 0]),
    ],
)
def test_rates(name, decay, rates):
    schedule, optimizer = begin(name)
    assert optimizer.decay == decay
    for epoch, n_seen in enumerate((15, 80)):
        schedule.after_epoch(optimizer, n_seen, (epoch + 1) / 2)
        assert optimizer.learning_rate == pytest.approx(rates[epoch])


@pytest.mark.parametrize("name", sorted(SCHEDULES.keys() - {"adaptive"}))
def test_no_progress_ends_training(name):
    schedule, optimizer = begin(name)
    assert schedule.on_plateau(optimizer) == (True, "Stopping.")
    assert optimizer.learning_rate == 0.5


def test_no_progress_lowers_an_adaptive_rate():
    schedule, optimizer = begin("adaptive")
    reaction = schedule.on_plateau(optimizer)
    assert optimizer.learning_rate == 0.5 / ADAPTIVE_DIVISOR
    assert reaction == (False, "Setting learning rate to 0.100000")
    optimizer.learning_rate = SMALLEST_ADAPTIVE_RATE
    assert schedule.on_plateau(optimizer).stops
    assert optimizer.learning_rate == SMALLEST_ADAPTIVE_RATE


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_other_solvers_scale_their_steps(name, solver):
    schedule, _ = begin(name, solver=solver)
    assert type(schedule) is SCHEDULES["linear" if name == "linear" else "constant"]


def test_a_power_beyond_all_numbers_is_a_rate_of_zero():
    optimizer = SimpleNamespace(learning_rate=0.5)
    make_schedule("invscaling", "sgd", 0.5, 1e308).after_epoch(optimizer, 99, 0.5)
    assert optimizer.learning_rate == 0
