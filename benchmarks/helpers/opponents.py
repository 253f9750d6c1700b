"""The opponents of the extreme-classification benchmark; `run_opponent` calls this.

    python -m helpers.opponents NAME DATA.npz OUT.npz SETTINGS [follow]

trains the opponent NAME on the rows in DATA.npz, in its own virtual environment (see
`opponent_environments`), and saves to OUT.npz the five likeliest labels of each held-out row and
the seconds that training and predicting took; or, with the word "follow", the seconds of each
epoch and the accuracy after it. SETTINGS is JSON. What is imported here must be in every
environment: NumPy, SciPy.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import sparse

from helpers import matrices

# Labels that are asked for.
K = 5


def load(path):
    """Load (X, Y), (X_held_out, Y_held_out), as matrices, which older libraries want."""
    names = ("X", "Y", "X_held_out", "Y_held_out")
    X, Y, X_held_out, Y_held_out = map(sparse.csr_matrix, matrices.load(path, *names))
    return (X, Y), (X_held_out, Y_held_out)


def rows_of(matrix):
    """Each row's columns and values."""
    bounds = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    return ((matrix.indices[i:j], matrix.data[i:j]) for i, j in bounds)


def pad(lists):
    """Make a table of `K` columns of lists of labels, filled up with any others."""
    table = np.empty((len(lists), K), np.int64)
    for row, labels in zip(table, lists, strict=True):
        labels = list(labels[:K])
        row[:] = (
            labels + [label for label in range(2 * K) if label not in labels][: K - len(labels)]
        )
    return table


def write_rows(path, X, Y):
    """Write the extreme-classification repository's format, without rows that are empty."""
    filled = np.flatnonzero((np.diff(X.indptr) > 0) & (np.diff(Y.indptr) > 0))
    X, Y = X[filled], Y[filled]
    with open(path, "w") as file:
        file.write(f"{X.shape[0]} {X.shape[1]} {Y.shape[1]}\n")
        for (labels, _), (columns, values) in zip(rows_of(Y), rows_of(X), strict=True):
            pairs = " ".join(f"{i}:{x:.6g}" for i, x in zip(columns, values, strict=True))
            file.write(f"{','.join(map(str, labels))} {pairs}\n")


class Omikuji:
    """Parabel's balanced label trees of linear classifiers (Prabhu et al., WWW 2018)."""

    def __init__(self, threads, **settings):
        import omikuji

        self.library, self.threads, self.settings = omikuji, threads, settings

    def fit(self, X, Y):
        """Train on files, which is what the library takes; writing these is off the clock."""
        library = self.library
        parameters = library.Model.default_hyper_param()
        for name, value in self.settings.items():
            setattr(parameters, name, value)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            write_rows(path, X, Y)
            start = time.perf_counter()
            self.model = library.Model.train_on_data(str(path), parameters, self.threads)
            return time.perf_counter() - start

    def predict(self, X):
        """Rank row by row."""
        rows = [
            list(zip(columns.tolist(), values.tolist(), strict=True))
            for columns, values in rows_of(X)
        ]
        start = time.perf_counter()
        found = [self.model.predict(row, top_k=K) for row in rows]
        seconds = time.perf_counter() - start
        return pad([[label for label, _ in labels] for labels in found]), seconds


class Pecos:
    """XR-Linear: clustered labels, and linear matchers and rankers (Yu et al., JMLR 2022)."""

    def __init__(self, threads, **settings):
        self.threads, self.settings = threads, settings

    def fit(self, X, Y):
        """Cluster by the labels' mean features, then train."""
        from pecos.xmc import Indexer, LabelEmbeddingFactory
        from pecos.xmc.xlinear.model import XLinearModel

        Y = Y.astype(np.float32)
        start = time.perf_counter()
        embedding = LabelEmbeddingFactory.create(Y, X, method="pifa")
        clusters = Indexer.gen(embedding, indexer_type="hierarchicalkmeans", threads=self.threads)
        self.model = XLinearModel.train(X, Y, C=clusters, threads=self.threads, **self.settings)
        return time.perf_counter() - start

    def predict(self, X):
        """Rank all rows."""
        start = time.perf_counter()
        found = self.model.predict(X, only_topk=K, threads=self.threads)
        seconds = time.perf_counter() - start
        return pad([labels[np.argsort(-scores)] for labels, scores in rows_of(found)]), seconds


class NapkinXC:
    """Probabilistic label trees (Jasinska-Kobus et al., 2020)."""

    def __init__(self, threads, **settings):
        self.threads, self.settings = threads, settings

    def fit(self, X, Y):
        """Train; the model is kept in a folder."""
        from napkinxc.models import PLT

        self.folder = tempfile.TemporaryDirectory()
        self.model = PLT(self.folder.name, threads=self.threads, **self.settings)
        labels = [columns.tolist() for columns, _ in rows_of(Y)]
        start = time.perf_counter()
        self.model.fit(X, labels)
        return time.perf_counter() - start

    def predict(self, X):
        """Rank all rows."""
        start = time.perf_counter()
        found = self.model.predict(X, top_k=K)
        seconds = time.perf_counter() - start
        return pad(found), seconds


class FastText:
    """Averaged embeddings of words under a hierarchical or sampled softmax (Joulin et al., 2017).

    Takes texts: each feature is a word, without its weight.
    """

    def __init__(self, threads, **settings):
        self.threads, self.settings = threads, settings

    def fit(self, X, Y):
        """Train on a file; writing it is off the clock."""
        import fasttext

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            with open(path, "w") as file:
                for (labels, _), (columns, _) in zip(rows_of(Y), rows_of(X), strict=True):
                    names = " ".join(f"__label__{label}" for label in labels)
                    file.write(f"{names} {self.text(columns)}\n")
            start = time.perf_counter()
            self.model = fasttext.train_supervised(
                str(path), thread=self.threads, minCount=1, verbose=0, **self.settings
            )
            return time.perf_counter() - start

    def text(self, columns):
        """Spell a row out."""
        return " ".join(map(str, columns))

    def predict(self, X):
        """Rank all rows."""
        texts = [self.text(columns) for columns, _ in rows_of(X)]
        start = time.perf_counter()
        found = self.model.f.multilinePredict([f"{text}\n" for text in texts], K, 0.0, "strict")
        seconds = time.perf_counter() - start
        labels = found[0]
        return pad(
            [[int(name.removeprefix("__label__")) for name in row] for row in labels]
        ), seconds


class Torch:
    """A network with one hidden layer in PyTorch: full softmax, or shared uniform negatives.

    Parameters
    ----------
    threads : int
    negatives : int, default=0
        How many labels are drawn for each mini-batch; its true labels are computed beside them.
        0 computes all labels.
    hidden, batch_size, epochs, seed : int
    learning_rate : float
    share : float, default=1.0
        How much of an epoch is trained; its seconds are then projected to the whole.
    """

    def __init__(
        self,
        threads,
        *,
        negatives=0,
        hidden=128,
        batch_size=256,
        epochs=5,
        learning_rate=0.003,
        share=1.0,
        seed=0,
    ):
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(seed)
        self.torch, self.negatives, self.hidden = torch, negatives, hidden
        self.batch_size, self.epochs, self.learning_rate = batch_size, epochs, learning_rate
        self.share, self.rng = share, np.random.RandomState(seed)

    def make(self, n_features, n_labels):
        """Make layers and optimizers."""
        torch = self.torch
        self.first = torch.nn.EmbeddingBag(n_features, self.hidden, mode="sum", sparse=True)
        torch.nn.init.normal_(self.first.weight, std=self.hidden**-0.5)
        self.first_bias = torch.nn.Parameter(torch.zeros(self.hidden))
        sampled = self.negatives > 0
        self.last = torch.nn.Embedding(n_labels, self.hidden, sparse=sampled)
        torch.nn.init.normal_(self.last.weight, std=0.01)
        self.last_bias = torch.nn.Embedding(n_labels, 1, sparse=sampled)
        torch.nn.init.zeros_(self.last_bias.weight)
        thin, dense = [self.first.weight], [self.first_bias]
        (thin if sampled else dense).extend([self.last.weight, self.last_bias.weight])
        rate = self.learning_rate
        self.optimizers = [
            torch.optim.SparseAdam(thin, rate),
            torch.optim.Adam(dense, rate, fused=True),
        ]

    def hide(self, X):
        """Activations of the hidden layer."""
        torch = self.torch
        indices = torch.from_numpy(X.indices.astype(np.int64))
        offsets = torch.from_numpy(X.indptr[:-1].astype(np.int64))
        bags = self.first(indices, offsets, per_sample_weights=torch.from_numpy(X.data))
        return torch.relu(bags + self.first_bias)

    def loss(self, X, Y):
        """Cross entropy to targets of 1 / number of labels, over all labels or those drawn."""
        torch = self.torch
        counts = np.diff(Y.indptr)
        shares = torch.from_numpy((1 / counts).astype(np.float32).repeat(counts))
        samples = torch.from_numpy(np.arange(Y.shape[0]).repeat(counts))
        hidden = self.hide(X)
        if not self.negatives:
            scores = hidden @ self.last.weight.T + self.last_bias.weight.T
            columns = torch.from_numpy(Y.indices.astype(np.int64))
        else:
            n_labels = Y.shape[1]
            own = np.unique(Y.indices)
            drawn = np.setdiff1d(self.rng.randint(n_labels, size=self.negatives), own)
            chosen = torch.from_numpy(np.concatenate([own, drawn]).astype(np.int64))
            scores = hidden @ self.last(chosen).T + self.last_bias(chosen).T
            # Those that were drawn stand for all that are not the batch's own.
            shift = np.zeros(len(chosen), np.float32)
            shift[len(own) :] = np.log((n_labels - len(own)) / max(1, len(drawn)))
            scores = scores + torch.from_numpy(shift)
            columns = torch.from_numpy(np.searchsorted(own, Y.indices))
        logs = torch.log_softmax(scores, 1)
        return -(logs[samples, columns] * shares).sum() / Y.shape[0]

    def fit(self, X, Y):
        """Train."""
        return sum(self.train(X, Y))

    def train(self, X, Y):
        """Train, and yield the seconds of each epoch."""
        labelled = np.flatnonzero(np.diff(Y.indptr))
        self.make(X.shape[1], Y.shape[1])
        for _ in range(self.epochs):
            start = time.perf_counter()
            order = self.rng.permutation(labelled)[: int(self.share * len(labelled))]
            for i in range(0, len(order), self.batch_size):
                rows = order[i : i + self.batch_size]
                for optimizer in self.optimizers:
                    optimizer.zero_grad()
                self.loss(X[rows], Y[rows]).backward()
                for optimizer in self.optimizers:
                    optimizer.step()
            yield (time.perf_counter() - start) / self.share

    def predict(self, X):
        """Rank all rows."""
        torch = self.torch
        start = time.perf_counter()
        found = []
        with torch.no_grad():
            for i in range(0, X.shape[0], 512):
                hidden = self.hide(X[i : i + 512])
                scores = hidden @ self.last.weight.T + self.last_bias.weight.T
                found.append(scores.topk(K).indices.numpy())
        return np.vstack(found), time.perf_counter() - start


# Each opponent's class and package.
OPPONENTS = {
    "omikuji": (Omikuji, "omikuji"),
    "pecos": (Pecos, "libpecos"),
    "napkinxc": (NapkinXC, "napkinxc"),
    "fasttext": (FastText, "fasttext-wheel"),
    "torch": (Torch, "torch"),
}


def train_and_rank(opponent, train, held_out):
    """Train and predict: labels, and seconds of both."""
    seconds = opponent.fit(*train)
    labels, seconds_to_predict = opponent.predict(held_out[0])
    return {"labels": labels, "seconds": seconds, "seconds_to_predict": seconds_to_predict}


def follow(opponent, train, held_out):
    """Train epoch by epoch: seconds of each, and off the clock the accuracy after it."""
    X, Y = held_out
    seconds, accuracies = [], []
    for elapsed in opponent.train(*train):
        seconds.append(elapsed)
        labels, _ = opponent.predict(X)
        accuracies.append(float(np.mean(labels[:, 0] == Y.indices)))
        print(f"  {len(seconds):3} {elapsed:8.2f} s {accuracies[-1]:8.4f}", flush=True)
    return {"seconds": seconds, "accuracies": accuracies}


def main():
    name, data, out, settings, *how = sys.argv[1:]
    kind, package = OPPONENTS[name]
    measure = follow if how == ["follow"] else train_and_rank
    found = measure(kind(**json.loads(settings)), *load(data))
    np.savez(out, **found, version=version(package))


if __name__ == "__main__":
    main()
