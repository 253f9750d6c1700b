"""When selections are refreshed: after as many mini-batches as pay, then ever less often."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.network.refresh import (
    GROWTH,
    SHORTEST_PERIOD,
    WORK_SHARE,
    RefreshPeriod,
    RefreshSchedule,
    batch_work,
)


def refreshes(period, n_steps):
    """The mini-batches in which a selection is refreshed."""
    found = []
    for step in range(n_steps):
        if step >= period.due:
            period.begin_next(step)
            found.append(step)
    return found


def test_refreshes_take_their_share_of_the_work():
    period = RefreshPeriod()
    period.begin(0, refresh_work=5000, batch_work=100)
    assert period.length == 500
    found = refreshes(period, 5000)
    # None is earlier than its period, which is longer each time.
    expected = 500 * np.cumsum(GROWTH ** np.arange(len(found)))
    assert np.all(np.array(found) >= expected)
    assert np.all(np.array(found) < expected + np.arange(1, len(found) + 1))
    assert len(found) * 5000 <= WORK_SHARE * 5000 * 100


@pytest.mark.parametrize("work", [(0, 100), (5, 100), (5, 0)])
def test_periods_are_not_too_short(work):
    period = RefreshPeriod()
    period.begin(7, *work)
    assert period.length == max(SHORTEST_PERIOD, 10 * work[0] / max(1, work[1]))
    assert period.due == 7 + period.length


def test_a_refresh_for_another_reason_postpones_the_next():
    period = RefreshPeriod()
    period.postpone(100)
    assert (period.length, period.due) == (None, 0)  # before the first batch
    period.begin(0, 0, 0)
    period.postpone(6)
    assert period.due == 6 + SHORTEST_PERIOD
    assert period.length == SHORTEST_PERIOD


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_work_of_a_batch(kind):
    inputs = take(kind(np.eye(6, 4)), slice(0, 6))  # of the sparse, four in six
    cache = SimpleNamespace(inputs=inputs, outputs=np.zeros((6, 5)))
    n_inputs = 4 if kind is np.asarray else 4 / 6
    assert batch_work(cache) == pytest.approx(3 * 6 * n_inputs * 5)


class Selection:
    """Notes what it is asked."""

    def __init__(self, refresh_work):
        self.work, self.noted, self.refreshed = refresh_work, [], []

    def note(self, active, groups, targets):
        self.noted.append((active, groups, targets))

    def refresh_work(self, weights):
        return self.work

    def refresh(self, weights, inputs):
        self.refreshed.append((weights, inputs, len(self.noted)))


def test_each_layer_has_its_own_period():
    rare, frequent = Selection(refresh_work=12_000), Selection(refresh_work=0)
    layers = [
        SimpleNamespace(selection=selection, weights=f"weights {depth}")
        for depth, selection in enumerate((rare, None, frequent))
    ]
    # 3 * 100 multiply-adds for each layer and batch.
    caches = [
        SimpleNamespace(inputs=np.zeros((1, 10)), outputs=np.zeros((1, 10)), active=depth, groups=0)
        for depth in range(3)
    ]
    schedule = RefreshSchedule()
    for step in range(1, 200):
        schedule.after_batch(layers, caches, "targets", step)
    assert rare.noted == [(0, 0, "targets")] * 199
    assert [n for *_, n in rare.refreshed] == [135]  # 1 + 12,000 / (0.1 * 900) is 134.3
    assert [n for *_, n in frequent.refreshed[:3]] == [11, 22, 33]
    assert frequent.refreshed[0][:2] == ("weights 2", caches[2].inputs)
    schedule.postpone(200)
    assert [schedule.periods[depth].due > 200 for depth in (0, 2)] == [True, True]
