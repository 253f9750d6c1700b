"""Metrics of rankings, against loops over samples."""

import numpy as np

from sklearn_lsh import metrics

from .arrays import WRONG_WEIGHTS, Given, layout, lying_sparse, pick, sparse, weights
from .judge import REFUSED, expect

K = [1, 2, 3, None, np.int64(2)]
WRONG_K = [0, -1, 1.5, "foo", 10**20, np.nan, [], True, {}]
CLASSES = [
    lambda codes: codes,
    lambda codes: codes.astype("u1"),
    lambda codes: np.array([f"{code} " * (code + 1) for code in codes.ravel()]).reshape(
        codes.shape
    ),
    lambda codes: codes.astype(object),
    lambda codes: codes.tolist(),
    lambda codes: -2.0 * codes,
]
WRONG_TRUTHS = [
    lambda rng, shape: np.zeros((*shape, 2)),
    lambda rng, shape: np.zeros((0, shape[1])),
    lambda rng, shape: np.zeros((shape[0] + 1, shape[1])),
    lambda rng, shape: np.full(shape, np.nan),
    lambda rng, shape: np.full(shape, 1j),
    lambda rng, shape: "text",
    lambda rng, shape: None,
    lambda rng, shape: 3,
    lambda rng, shape: {},
    lambda rng, shape: [[0], [0, 1]],
    lambda rng, shape: [],
]
WRONG_RANKINGS = [
    lambda rng, top: top + 1000,
    lambda rng, top: -1 - top,
    lambda rng, top: top * 0.5,
    lambda rng, top: [[None] * top.shape[1]] * len(top),
    lambda rng, top: np.full(top.shape, "b"),
    lambda rng, top: np.full(top.shape, 2**63, "u8"),
    lambda rng, top: top[1:],
    lambda rng, top: top[:, :0],
    lambda rng, top: top[0],
    lambda rng, top: np.stack([top, top]),
    lambda rng, top: "text",
    lambda rng, top: None,
    lambda rng, top: [[0], [0, 1]],
]
# Those at the start that are no columns of a truth, but may be classes.
N_OF_VALUES = 6


class Case:
    """A truth and a ranking, as they are handed in and as plain arrays."""

    def __init__(self, call):
        rng = call.rng
        n, n_labels = int(rng.integers(1, 8)), int(rng.integers(2, 7))
        self.top = np.argsort(rng.random((n, n_labels)), axis=1)[
            :, : int(rng.integers(1, n_labels + 1))
        ]
        self.top_k = Given(layout(rng, self.top, 0.2))
        self.weights = weights(rng, n, p_wrong=0.2, wrong=WRONG_WEIGHTS)
        self.classes = None
        if rng.random() < 0.4:
            self._draw_classes(rng, n, n_labels)
        else:
            self.truth = rng.random((n, n_labels)) < 0.4
            kind = pick(rng, ["?", "i8", "f4", "u1"])
            if rng.random() < 0.5:
                self.y = Given(sparse(rng, self.truth.shape, self.truth.astype(kind)).value)
            else:
                self.y = Given(layout(rng, self.truth.astype(kind), 0.2))
        if rng.random() < 0.1:
            self.y = Given(pick(rng, WRONG_TRUTHS)(rng, self.truth.shape), bad=True)
        elif rng.random() < 0.1:
            self.y = lying_sparse(rng, self.truth.shape)
        elif rng.random() < 0.15:
            # Classes may be others than those of the truth.
            wrong = WRONG_RANKINGS if self.classes is None else WRONG_RANKINGS[N_OF_VALUES:]
            self.top_k = Given(pick(rng, wrong)(rng, self.top), bad=True)

    def _draw_classes(self, rng, n, n_labels):
        codes = rng.integers(n_labels, size=n)
        make = pick(rng, CLASSES)
        self.truth = np.eye(n_labels, dtype=bool)[codes]
        self.y, self.top_k = Given(make(codes)), Given(make(self.top))
        self.classes = np.sort(np.asarray(make(np.arange(n_labels))))
        # Places in sorted order, which for some are not the codes'.
        places = np.searchsorted(self.classes, np.asarray(make(np.arange(n_labels))))
        self.truth, self.top = np.eye(n_labels, dtype=bool)[places[codes]], places[self.top]


def play(call):
    """Make a case's calls."""
    case = Case(call)
    for name, reference in REFERENCES.items():
        for _ in range(2):
            measure(call, case, name, reference)
    propensities(call, case)


def measure(call, case, name, reference):
    k, wrong = call.pick(K), call.chance(0.12)
    if wrong:
        k = call.pick(WRONG_K)
    extra, gains = {"k": k}, np.ones(case.truth.shape[1])
    if case.weights.value is not None:
        extra["sample_weight"] = case.weights.value
    positional = [case.y.value, case.top_k.value]
    if name == "propensity_scored_precision_at_k":
        p = call.rng.uniform(0.1, 1, len(gains))
        gains = 1 / p
        if call.chance(0.1):
            p, wrong = (
                call.pick([p * 0, -p, p + 1, p * np.nan, p[:-1], p[np.newaxis], "foo", None]),
                True,
            )
        positional.append(p)
        if case.classes is not None:
            extra["classes"] = case.classes
    refuse = wrong or case.y.bad or case.top_k.bad or case.weights.bad
    value = call(getattr(metrics, name), *positional, refuse=refuse, **extra)
    if value is REFUSED:
        return
    expect(isinstance(value, float) and 0 <= value <= 1 + 1e-9, f"{value!r} is no share")
    w = np.ones(len(case.top)) if case.weights.plain is None else case.weights.plain.astype(float)
    hits = np.take_along_axis(case.truth, case.top, axis=1)[:, :k]
    right = reference(case.truth, hits, case.top[:, :k], gains, w / w.max())
    expect(np.isclose(value, right, rtol=1e-6, atol=1e-9), f"{value}, not {right}")


def plain_precision(truth, hits, top, gains, w):
    return np.average(hits.mean(axis=1), weights=w)


def plain_ndcg(truth, hits, top, gains, w):
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    shares = []
    for labels, own in zip(truth, hits, strict=True):
        best = discounts[: labels.sum()].sum()
        shares.append((own * discounts).sum() / best if best else 0)
    return np.average(shares, weights=w)


def plain_psp(truth, hits, top, gains, w):
    found = (hits * gains[top]).sum(axis=1)
    best = np.sort(truth * gains, axis=1)[:, ::-1][:, : hits.shape[1]].sum(axis=1)
    return (found @ w) / (best @ w) if best @ w else 0.0


REFERENCES = {
    "precision_at_k": plain_precision,
    "ndcg_at_k": plain_ndcg,
    "propensity_scored_precision_at_k": plain_psp,
}


def propensities(call, case):
    extra, wrong = {}, False
    if case.classes is not None:
        extra["classes"] = case.classes
    if call.chance(0.3):
        extra["a"], extra["b"] = call.pick([0, 0.5, 3.0]), call.pick([0.4, 1, 10.0])
    if call.chance(0.15):
        extra[call.pick("ab")] = call.pick(["foo", None, np.nan, np.inf, -2.0, []])
        wrong = True
    if case.truth.shape[0] == 1:
        extra.pop("classes", None)
    p = call(metrics.label_propensities, case.y.value, refuse=wrong, **extra)
    if p is not REFUSED:
        expect(((p > 0) & (p <= 1)).all(), f"no propensities: {p}")
