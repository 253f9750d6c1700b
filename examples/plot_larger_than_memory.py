"""
Data larger than memory: killed, and gone on with
=================================================

Clicks are written to a text file, sorted by what they are to be told apart by, which is the worst
order to learn in. A process learns from the file block by block, and is killed in the middle. The
next one goes on at the mini-batch, and ends with the same weights as if nothing had happened.
"""

# %%
# A file
# ------
# Some 25 MB stand for more than fits into memory: only blocks of 1,000 lines are ever in it.

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import vstack
from sklearn.datasets import dump_svmlight_file

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.streaming import HashedClicks, SvmlightBlocks

N_ROWS, N_FEATURES = 60_000, 2**18
folder = Path(tempfile.mkdtemp())
clicks = HashedClicks(N_ROWS, n_features=N_FEATURES, crosses=True)
X, y = zip(*clicks, strict=True)
X, y = vstack(X, format="csr"), np.concatenate(y)
by_label = np.argsort(y, kind="stable")
dump_svmlight_file(X[by_label], y[by_label], str(folder / "clicks.svm"))
size = (folder / "clicks.svm").stat().st_size
print(f"{size / 1e6:.0f} MB; {y.mean():.0%} of the rows are clicks, and come last")

# %%
# Learn, and be killed
# --------------------
# The program names a folder for checkpoints. It is killed as soon as there are two of them.

PROGRAM = f"""
import sys
from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.streaming import SvmlightBlocks

source = SvmlightBlocks(sys.argv[1], block_size=1000, n_features={N_FEATURES})
network = LSHMLPClassifier((), solver="adagrad", learning_rate_init=0.05, random_state=0)
network.fit_batches(source, n_epochs=3, checkpoint=sys.argv[2], checkpoint_every="0.2s")
"""
arguments = [sys.executable, "-c", PROGRAM, str(folder / "clicks.svm"), str(folder / "checkpoints")]
program = subprocess.Popen(arguments)
while len(list(folder.glob("checkpoints/checkpoint-*"))) < 2 and program.poll() is None:
    time.sleep(0.05)
program.kill()
program.wait()
print("left behind:", *sorted(path.name for path in folder.glob("checkpoints/*")))

# %%
# Go on
# -----
# The same call, in another process: this one. Beside it a network learns without interruption.

source = SvmlightBlocks(folder / "clicks.svm", block_size=1000, n_features=N_FEATURES)
test = HashedClicks(20_000, n_features=N_FEATURES, crosses=True, first_block=1000)
settings = {"solver": "adagrad", "learning_rate_init": 0.05, "random_state": 0}
resumed = LSHMLPClassifier((), **settings)
resumed.fit_batches(source, n_epochs=3, checkpoint=folder / "checkpoints")
whole = LSHMLPClassifier((), **settings).fit_batches(source, n_epochs=3)
print("the same weights:", np.array_equal(resumed.coefs_[0], whole.coefs_[0]))

# %%
# What the order is worth
# -----------------------
# Blocks come in a random order, and rows are mixed over a window of blocks. Read as they lie, the
# same rows teach far less: the network ends with nothing but clicks in mind.


def log_losses(network):
    """Log-loss on rows that were not learnt from, and the best that there is."""
    found = []
    for number in range(test.n_blocks):
        X, y = test.read(number)
        p, teacher = network.predict_proba(X)[:, 1], test.probabilities(number)
        found.append([-np.mean(np.log(np.where(y, q, 1 - q))) for q in (p, teacher)])
    return np.mean(found, axis=0)


losses = {}
for window in (8, 2):
    network = LSHMLPClassifier((), **settings).fit_batches(
        source, n_epochs=3, shuffle_blocks=window
    )
    losses[f"window of {window} blocks"] = log_losses(network)[0]
in_order = LSHMLPClassifier((), shuffle=False, **settings).fit_batches(source, n_epochs=3)
losses["not shuffled"] = log_losses(in_order)[0]
losses["the teacher: the best there is"] = log_losses(in_order)[1]

for name, loss in losses.items():
    print(f"{name}: {loss:.4f}")
figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
axes.barh(list(losses), list(losses.values()), color=["C0", "C0", "C1", "0.6"])
axes.invert_yaxis()
axes.set_xlabel("log-loss on other rows")
plt.show()
