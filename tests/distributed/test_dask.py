"""On a cluster of two worker processes: the same bits, whatever becomes of the workers."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor, kernels
from sklearn_lsh.distributed import fit_rounds
from sklearn_lsh.streaming import ArrayBlocks

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")

X, Y = load_digits(return_X_y=True)
X, Y = X[:800] / 16, Y[:800]
NETWORK = LSHMLPClassifier(
    hidden_layer_sizes=(200,),
    density=0.1,
    batch_size=40,
    learning_rate_init=0.01,
    max_iter=5,
    random_state=0,
)

SOURCE = ArrayBlocks(X, Y, block_size=100)
KILLS = Path(__file__).parents[1] / "support" / "worker_kills.py"

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Dask's own sockets
]


@pytest.fixture(scope="module")
def client():
    silent = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        # Or a worker that is not back by then is given up by Dask's cluster.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **silent) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def by_threads():
    """What has to come out."""
    with ThreadPoolExecutor(1) as pool:
        return fit_rounds(clone(NETWORK), SOURCE, pool, n_replicas=3)


def weights_of(network):
    return [array.tolist() for array in network.coefs_ + network.intercepts_]


def arrays():
    return da.from_array(X, chunks=(100, 32)), da.from_array(Y, chunks=100)


def test_workers_compute_what_threads_do(client, by_threads):
    network = clone(NETWORK)
    fit_rounds(network, SOURCE, client, n_replicas=3)
    assert weights_of(network) == weights_of(by_threads)


@pytest.fixture
def slow():
    """Blocks that take time to read, of a class that workers need not be able to import."""

    class Slow(ArrayBlocks):
        def _read(self, number):
            time.sleep(0.05)
            return super()._read(number)

    return Slow(X, Y, block_size=100)


def test_a_worker_that_is_killed_changes_nothing(client, by_threads, slow):
    pids = list(client.run(os.getpid).values())
    killer = threading.Timer(0.4, os.kill, (pids[0], signal.SIGKILL))
    killer.start()
    network = clone(NETWORK)
    fit_rounds(network, slow, client, n_replicas=3)
    killer.join()
    assert weights_of(network) == weights_of(by_threads)
    client.wait_for_workers(2, timeout=300)
    assert pids[0] not in client.run(os.getpid).values()


def test_if_all_workers_are_killed_others_go_on():
    done = subprocess.run(
        [sys.executable, KILLS, "1"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 kills: the same bits" in done.stdout


def test_a_worker_with_other_kernels_is_named(client):
    def set_kernels(name):  # in here, because workers need not be able to import this module
        from sklearn_lsh import kernels

        kernels.VARIANT = name

    worker = next(iter(client.scheduler_info()["workers"]))
    client.run(set_kernels, "x86-64-v9", workers=[worker])
    try:
        with pytest.raises(RuntimeError, match=f"Worker {worker} has .* kernels for x86-64-v9"):
            fit_rounds(clone(NETWORK), SOURCE, client, n_replicas=3)
    finally:
        client.run(set_kernels, kernels.VARIANT, workers=[worker])


def test_collections_are_blocks(client, by_threads):
    from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier

    model = DaskLSHMLPClassifier(NETWORK, client=client, n_replicas=3).fit(*arrays())
    assert weights_of(model.to_local()) == weights_of(by_threads)
    assert model.classes_.tolist() == list(range(10))
    predicted = model.predict(arrays()[0])
    assert isinstance(predicted, da.Array)
    assert predicted.shape == (800,)
    np.testing.assert_array_equal(predicted.compute(), by_threads.predict(X))
    for ours, theirs in zip(
        model.predict_top_k(arrays()[0], 3), by_threads.predict_top_k(X, 3), strict=True
    ):
        assert ours.shape == (800, 3)
        np.testing.assert_array_equal(ours.compute(), theirs)


def test_data_frames_and_sparse_partitions(client, by_threads):
    from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier, DaskLSHMLPRegressor

    table = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    frame = dd.from_pandas(table, npartitions=8, sort=False)
    labels = dd.from_pandas(pd.Series(Y), npartitions=8, sort=False)
    model = DaskLSHMLPClassifier(NETWORK, client=client, n_replicas=3).fit(frame, labels)
    assert weights_of(model.estimator_) == weights_of(by_threads)
    assert list(model.estimator_.feature_names_in_) == list(table.columns)
    np.testing.assert_array_equal(model.predict(frame).compute(), by_threads.predict(X))
    sparse = arrays()[0].rechunk((100, 64)).map_blocks(sp.csr_array)
    network = LSHMLPRegressor(hidden_layer_sizes=(20,), max_iter=5, random_state=0)
    numbers = DaskLSHMLPRegressor(network, client=client, n_replicas=2)
    numbers.fit(sparse, arrays()[1].astype(float))
    expected = numbers.to_local().predict(sp.csr_array(X))
    np.testing.assert_array_equal(numbers.predict(sparse).compute(), expected)


def test_clones_have_the_client_and_pickles_have_none(client):
    from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier

    model = DaskLSHMLPClassifier(NETWORK, client=client, n_replicas=3)
    copied = clone(model)
    assert copied.client is client
    assert copied.estimator is not NETWORK
    assert copied.n_replicas == 3
    loaded = pickle.loads(pickle.dumps(model.fit(*arrays())))
    assert loaded.client is None
    assert weights_of(loaded.to_local()) == weights_of(model.to_local())


def test_what_is_not_dasks_is_refused(client):
    from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier

    model = DaskLSHMLPClassifier(NETWORK, client=client)
    dask_X, dask_y = arrays()
    with pytest.raises(TypeError, match="X must be a Dask array or data frame"):
        model.fit(X, dask_y)
    with pytest.raises(ValueError, match="as many partitions"):
        model.fit(dask_X, dask_y.rechunk(400))
    with pytest.raises(NotFittedError):
        model.predict(dask_X)
    with pytest.raises(ValueError, match=r"Block 3 of .*NaN"):
        model.fit(da.where(da.arange(800, chunks=100)[:, None] == 333, np.nan, dask_X), dask_y)
    assert not hasattr(model, "estimator_")


def test_a_cluster_without_workers_is_named():
    silent = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        distributed.LocalCluster(n_workers=0, processes=False, **silent) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(RuntimeError, match=r"no workers: none came within 0\.2 seconds"),
    ):
        fit_rounds(clone(NETWORK), SOURCE, client, n_replicas=2, timeout=0.2)


def test_a_replica_that_does_not_end_is_named(client, slow):
    with pytest.raises(TimeoutError, match=r"Replica \d of round 0 in epoch 0"):
        fit_rounds(clone(NETWORK), slow, client, n_replicas=2, timeout=0.1)
