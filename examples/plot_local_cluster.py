"""
A network trained by a cluster
==============================

Two workers train replicas of a network on parts of the digits, and what they learnt is merged
between rounds. Here they are threads of this process, for the example's sake; `LocalCluster` starts
processes, and Dask knows of many ways to start them on other machines. The code stays the same.
"""

# %%
# A cluster, and data in it
# -------------------------

import warnings

import dask.array as da
import matplotlib.pyplot as plt
from dask.distributed import Client
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # a few epochs will do here
X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
client = Client(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0")
dask_X, dask_y = da.from_array(X / 16, chunks=(100, 64)), da.from_array(y, chunks=100)
print(dask_X.npartitions, "partitions on", len(client.nthreads()), "workers")

# %%
# Train
# -----
# The estimator in the middle has the parameters. Four replicas, whatever the number of workers: so
# the weights are the same on any cluster.

network = LSHMLPClassifier(
    (200,), density=0.1, learning_rate_init=0.01, max_iter=20, tol=1e-9, random_state=0
)
model = DaskLSHMLPClassifier(network, client=client, n_replicas=4).fit(dask_X, dask_y)
predicted = model.predict(da.from_array(X_test / 16, chunks=(100, 64)))
print(f"in the cluster: {(predicted.compute() == y_test).mean():.1%} right")

# %%
# And without the cluster
# -----------------------
# What was trained is an ordinary network. One that learns alone takes as many steps.

local = model.to_local()
client.close()
print(f"at home: {local.score(X_test / 16, y_test):.1%} right")
alone = network.fit(X / 16, y)

fig, axes = plt.subplots()
axes.plot(range(1, local.n_iter_ + 1), local.loss_curve_, label="four replicas")
axes.plot(range(1, alone.n_iter_ + 1), alone.loss_curve_, "--", label="one network")
axes.set(xlabel="epoch", ylabel="loss while training", yscale="log")
axes.legend()
