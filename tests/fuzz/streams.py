"""Training on blocks: sources of all kinds, right and wrong, and files of mutated text."""

import gzip
import tempfile
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from sklearn_lsh import Checkpoint, LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.distributed import fit_rounds
from sklearn_lsh.streaming import (
    ArrayBlocks,
    FrameBlocks,
    HashedClicks,
    JoinedBlocks,
    MultilabelBlocks,
    SequenceBlocks,
    SvmlightBlocks,
)

from . import parameters
from .estimators import KINDS, Task, check_fitted, features_differ
from .judge import REFUSED, expect
from .readers import mutate, random_text

BLOCK = r"Block \d|Line \d|line \d|block|source|header"


def play(call):
    """Make a case's calls."""
    make, make_labels = KINDS[call.rng.choice(3, p=[0.4, 0.3, 0.3])]
    task = Task(call.rng, make_labels)
    given = parameters.QUICK | parameters.draw(
        call, parameters.ESTIMATOR, make().get_params(), call.rng.integers(4)
    )
    given = {name: value for name, value in given.items() if name != "early_stopping"}
    estimator = make(**given)
    for _ in range(call.rng.integers(3, 8)):
        call.pick([fit_batches, fit_batches, rounds, checkpoints, parts, text, clicks, frames])(
            call, estimator, task
        )


def source_of(call, task):
    """Make a source of what may be wrong: it, and whether that is so."""
    X, y, w = task.Xyw()
    size = int(call.rng.integers(1, 8)) if call.chance(0.95) else call.pick([0, -1, "3", 2.5])
    make = call.pick([ArrayBlocks, ArrayBlocks, SequenceBlocks])
    wrong = not isinstance(size, int) or size < 1
    args = [X.value, y.value] + ([] if w.value is None else [w.value])
    source = call(make, *args, block_size=size, refuse=wrong)
    return source, X.bad or y.bad or w.bad, X


def fit_batches(call, estimator, task):
    source, bad, X = source_of(call, task)
    if source is REFUSED:
        return
    if call.chance(0.2):
        source = call(JoinedBlocks, [source] * int(call.rng.integers(0, 3)), place=BLOCK)
        if source is REFUSED:
            return
    extra, wrong = {}, False
    if call.chance(0.1):
        name = call.pick(["n_epochs", "shuffle_blocks", "checkpoint_every"])
        extra[name], wrong = call.pick([-1, "foo", [], np.nan]), True
    else:
        extra = {"n_epochs": int(call.rng.integers(1, 3))}
        extra["shuffle_blocks"] = int(call.rng.integers(1, 5))
    if call.chance(0.1):
        extra["validation"] = source
    if task.labels.all is not None and call.chance(0.5):
        extra["classes"] = task.labels.all
    refuse = wrong or bad or (estimator.warm_start and features_differ(estimator, X))
    if call.chance(0.2):
        return blocks_that_come_once(call, estimator, source, extra, refuse)
    with tempfile.TemporaryDirectory() as folder:
        if call.chance(0.3):
            extra |= {"checkpoint": folder, "checkpoint_every": extra.get("checkpoint_every", 0)}
        found = call(estimator.fit_batches, source, refuse=refuse, place=BLOCK, **extra)
        if found is REFUSED:
            return
        check_fitted(estimator)
        if call.chance(0.3):
            parts = list(estimator.predict_batches(source))
            expect(sum(part.shape[0] for part in parts) == source_rows(source), "rows are lost")
        if "checkpoint" in extra and not estimator.warm_start:
            losses = list(estimator.loss_curve_)
            again = call(estimator.fit_batches, source, place=BLOCK, **extra)
            expect(again is not REFUSED, "a training that had ended is not gone on with")
            expect(np.array_equal(again.loss_curve_, losses, equal_nan=True), "it was repeated")


def blocks_that_come_once(call, estimator, source, extra, refuse):
    """Train on a generator, or a list."""
    blocks = call.pick([iter, list])(source)
    place = f"{BLOCK}|classes|n_epochs|learning_rate"
    found = call(estimator.fit_batches, blocks, refuse=refuse, place=place, **extra)
    if found is not REFUSED:
        check_fitted(estimator)
        expect(extra.get("n_epochs", 1) == 1, "blocks came twice")
        parts = list(estimator.predict_batches(iter(source)))
        expect(sum(part.shape[0] for part in parts) == source_rows(source), "rows are lost")


def checkpoints(call, estimator, task):
    """Fit with checkpoints, and again: it has ended then."""
    X, y, w = task.Xyw()
    every = 0 if call.chance(0.9) else call.pick(["soon", -1, None, []])
    with tempfile.TemporaryDirectory() as folder:
        name = folder + call.pick(["", "/{training}"])
        callback = call(Checkpoint, name, every=every, refuse=every != 0)
        if callback is REFUSED:
            return
        estimator = clone(estimator).set_params(warm_start=False).set_callbacks(callback)
        refuse = X.bad or y.bad or w.bad
        place = "|".join(["class_weight", "weights", *estimator.get_params()])
        found = call(estimator.fit, X.value, y.value, w.value, refuse=refuse, place=place)
        if found is REFUSED:
            return
        check_fitted(estimator)
        losses = list(estimator.loss_curve_)
        again = call(clone(estimator).fit, X.value, y.value, w.value, place=place)
        expect(again is not REFUSED, "a training that had ended is not gone on with")
        expect(np.array_equal(again.loss_curve_, losses, equal_nan=True), "it was repeated")


def parts(call, estimator, task):
    """Learn a part with checkpoints, and restore what it came to."""
    X, y, w = task.Xyw()
    with tempfile.TemporaryDirectory() as folder:
        wrong = call.chance(0.1)
        name = call.pick([None, 3, b"abc", []]) if wrong else folder
        callback = call(Checkpoint, name, every=0, refuse=wrong)
        if callback is REFUSED:
            return
        wrong = call.pick([None, 3, "network", type(estimator)])
        call(Checkpoint.restore, callback, wrong, refuse=True)
        estimator = clone(estimator).set_callbacks(callback)
        more = {} if task.labels.all is None else {"classes": task.labels.all}
        place = "|".join(["class_weight", "weights", *estimator.get_params()])
        refuse = X.bad or y.bad or w.bad
        given = [X.value, y.value]
        found = call(
            estimator.partial_fit, *given, sample_weight=w.value, refuse=refuse, place=place, **more
        )
        if found is not REFUSED:
            restored = clone(estimator)
            n_given = Checkpoint(folder).restore(restored)
            expect(n_given == np.shape(X.value)[0], "rows are not counted")
            expect(restored.loss_curve_ == estimator.loss_curve_, "another state")


class Inline:
    """An executor that does tasks at once."""

    def submit(self, task, *arguments):
        future = Future()
        try:
            future.set_result(task(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def rounds(call, estimator, task):
    """Train replicas."""
    source, bad, X = source_of(call, task)
    if source is REFUSED:
        return
    n_replicas = int(call.rng.integers(1, 5)) if call.chance(0.9) else call.pick([0, -1, "2", 1.5])
    wrong = not isinstance(n_replicas, int) or not 1 <= n_replicas <= max(1, source.n_blocks)
    extra = {"n_epochs": int(call.rng.integers(1, 3))}
    if call.chance(0.3):
        extra["blocks_per_round"] = int(call.rng.integers(1, 3))
    elif call.chance(0.1):
        extra[call.pick(["retries", "timeout", "blocks_per_round"])], wrong = "foo", True
    if task.labels.all is not None and call.chance(0.5):
        extra["classes"] = task.labels.all
    refuse = wrong or bad or (estimator.warm_start and features_differ(estimator, X))
    place = "|".join([BLOCK, "replica", *estimator.get_params()])
    given = {"n_replicas": n_replicas, "refuse": refuse, "place": place, **extra}
    if call(fit_rounds, estimator, source, Inline(), **given) is not REFUSED:
        check_fitted(estimator)


def svmlight_text(call):
    lines = []
    for _ in range(call.rng.integers(0, 6)):
        pairs = (f"{call.rng.integers(9)}:{call.rng.normal():.3g}" for _ in range(3))
        lines.append(" ".join([f"{call.rng.integers(-1, 2)}", *pairs]))
    return "\n".join(lines).encode() + b"\n" * int(call.rng.integers(0, 3))


def text(call, estimator, task):
    """Look through a file, read its blocks, and train on them."""
    is_multilabel = call.chance(0.5)
    content = random_text(call, header=True) if is_multilabel else svmlight_text(call)
    content = mutate(call, content)
    make = MultilabelBlocks if is_multilabel else SvmlightBlocks
    given = {"block_size": int(call.rng.integers(1, 4)), "on_error": call.pick(["raise", "skip"])}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.txt" + call.pick(["", ".gz"]))
        is_packed = path.suffix == ".gz"
        path.write_bytes(gzip.compress(content) if is_packed else content)
        source = call(make, path, place=f"{BLOCK}|a.txt", **given)
        if source is REFUSED:
            return
        for number in range(source.n_blocks):
            block = call(source.read, number, place=f"{BLOCK}|a.txt")
            if block is not REFUSED:
                X, y = block
                expect(X.shape == (y.shape[0], source.n_features), "shapes do not fit")
                expect(sp.issparse(X) and np.isfinite(X.data).all(), "values are not finite")
        make_estimator = call.pick([LSHMLPClassifier, LSHMLPRegressor])
        network = (
            make_estimator((3,), random_state=0, n_neighbors=None)
            if (make_estimator is LSHMLPClassifier)
            else make_estimator((3,), random_state=0)
        )
        call(network.fit_batches, source, n_epochs=1, place=f"{BLOCK}|a.txt|y|MultiLabel|label")


def clicks(call, estimator, task):
    name = call.pick(["n_rows", "n_features", "block_size", "seed", "first_block"])
    value = call.pick([0, -1, 1.5, "foo", None, 3, 2**40, True])
    given = {"n_rows": 20, "n_features": 50, "block_size": 7, name: value}
    is_count = isinstance(value, int) and not isinstance(value, bool)
    least = 0 if name in ("seed", "first_block") else 1
    if name == "n_features" and value == 2**40:
        return
    source = call(HashedClicks, **given, refuse=not is_count or value < least)
    if source is not REFUSED and source.n_rows < 100:
        X, y = source.read(source.n_blocks - 1)
        expect(X.shape == (len(y), source.n_features), "shapes do not fit")


def source_rows(source):
    return sum(source.read(number)[0].shape[0] for number in range(source.n_blocks))


def frames(call, estimator, task):
    n = int(call.rng.integers(1, 9))
    frame = {
        "a": call.pick([np.array(["x", None, "y"] * n, object), np.arange(3 * n), np.ones(3 * n)]),
        "b": call.pick([call.rng.integers(3, size=3 * n), np.array(["u", "v", "w"] * n)]),
        "c": call.rng.normal(size=3 * n),
        "y": call.rng.integers(2, size=3 * n),
    }
    given = {"categorical": ["a"], "numeric": ["c"], "crosses": [("a", "b")], "n_features": 9}
    wrong = call.chance(0.3)
    if wrong:
        name = call.pick(list(given))
        given[name] = call.pick([["no"], "c", 0, -1, [("a",)], None, [3]])
    source = call(FrameBlocks, [frame, frame], "y", place="column|crosses|n_features", **given)
    if source is REFUSED:
        return
    block = call(source.read, 1, place="Block|column|crosses|categorical|numeric")
    if block is not REFUSED and not wrong:
        X, y = block
        expect(X.shape == (3 * n, 9) and len(y) == 3 * n, "shapes do not fit")
        expect(np.isclose(X.sum(), source.read(0)[0].sum()), "equal frames differ")
