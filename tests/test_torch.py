"""The output layer for PyTorch: exact where all classes are computed, and right in the mean."""

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
LSHSoftmaxLoss = pytest.importorskip("sklearn_lsh.torch").LSHSoftmaxLoss
# Imported after PyTorch, which they need.
from sklearn_lsh.selection.negatives import Deck  # noqa: E402
from sklearn_lsh.torch import bridge, checks, hashed_classes, sketches, softmax  # noqa: E402
from sklearn_lsh.torch.centroids import OWN_SCORE  # noqa: E402
from sklearn_lsh.torch.class_tables import NO_CLASS  # noqa: E402
from sklearn_lsh.torch.losses import Entropy  # noqa: E402
from sklearn_lsh.torch.scores import Rows, candidate_scores, pair_scores, pool  # noqa: E402

cross_entropy = torch.nn.functional.cross_entropy

# PyTorch's own Adagrad makes sparse tensors without saying whether they are to be checked.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    ),
]


@pytest.fixture(autouse=True)
def _one_thread_and_seed():
    torch.set_num_threads(1)  # the tests' tensors are small
    torch.manual_seed(0)


@pytest.fixture(params=["compiled", "arrays"])
def path(request, monkeypatch):
    """On the CPU tensors are hashed as NumPy's arrays; "arrays" is what other devices do."""
    if request.param == "arrays":
        pytest.importorskip("array_api_compat")
        monkeypatch.setattr(bridge, "hashable", as_on_other_devices)
    return request.param


def as_on_other_devices(tensor):
    tensor = tensor.detach()
    return tensor.view(torch.uint16) if tensor.dtype == torch.int16 else tensor


def some_samples(n_samples=40, n_features=8, n_classes=300):
    return torch.randn(n_samples, n_features), torch.randint(n_classes, (n_samples,))


def train(layer, hidden, labels, n_steps=10, optimizer=torch.optim.SparseAdam):
    optimizer = optimizer(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = layer(hidden, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# All classes: the same as a linear layer and its cross-entropy


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_all_classes(device, bias, reduction):
    hidden, labels = (tensor.to(device) for tensor in some_samples())
    layer = LSHSoftmaxLoss(8, 300, n_active=300, bias=bias, reduction=reduction, device=device)
    gradients = []
    for loss in (
        lambda h: layer(h, labels),
        lambda h: cross_entropy(layer.scores(h), labels, reduction=reduction),
    ):
        layer.zero_grad()
        given = hidden.clone().requires_grad_()
        value = loss(given)
        value.sum().backward()
        gradients.append([value, given.grad, *(p.grad.to_dense() for p in layer.parameters())])
    for ours, full in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, full)
    layer.eval()
    torch.testing.assert_close(layer(hidden, labels), gradients[0][0])


def test_gradients_by_differences():
    hidden, labels = some_samples(5, 3, 20)
    layer = LSHSoftmaxLoss(3, 20, n_active=8, dtype=torch.float64)
    train(layer, hidden.double(), labels, 3)
    weight = layer.weight.detach().clone()
    start = layer.get_extra_state()

    def loss(hidden, weight):
        layer.set_extra_state(start)  # draws the same classes
        return torch.func.functional_call(layer, {"weight": weight}, (hidden, labels))

    weight.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda h: loss(h, weight.detach()), (hidden.double().requires_grad_(),)
    )
    analytic = torch.autograd.grad(loss(hidden.double(), weight), weight)[0].to_dense()
    for k, j in ((int(labels[0]), 0), (0, 1), (7, 2)):
        step = torch.zeros_like(weight)
        step[k, j] = 1e-6
        with torch.no_grad():
            difference = loss(hidden.double(), weight + step) - loss(hidden.double(), weight - step)
        torch.testing.assert_close(analytic[k, j], difference / 2e-6, rtol=1e-4, atol=1e-7)


# Few classes


def test_partition_function_is_unbiased():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels, 20)
    layer.refresh()
    shares = []
    with torch.no_grad():
        exact = layer.log_partition(hidden, exact=True)
        torch.testing.assert_close(exact, torch.logsumexp(layer.scores(hidden), 1))
        for seed in range(400):
            layer._deck = shuffled(300, seed)
            shares.append(torch.exp(layer.log_partition(hidden) - exact).mean())
    assert abs(np.mean(shares) - 1) < 4 * np.std(shares, ddof=1) / 20
    assert np.std(shares) > 1e-3


def shuffled(n_classes, seed):
    return Deck(np.arange(n_classes), np.random.RandomState(seed))


# What is drawn at a time divides the number of classes, and does not.
@pytest.mark.parametrize("n_active", [40, 45])
def test_all_are_drawn_before_one_comes_again(n_active):
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active)
    counts = np.zeros(300, int)
    for _ in range(100):
        drawn = layer._draw()
        assert drawn.unique().numel() == drawn.numel() == layer.n_drawn
        counts[drawn] += 1
        assert counts.max() - counts.min() <= 1
    assert counts.min() > 5


def test_only_sampled_rows_have_gradients():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 3000, n_active=40)
    layer(hidden, labels).backward()
    for parameter in layer.parameters():
        assert parameter.grad.is_sparse
        touched = parameter.grad.coalesce().indices()[0]
        assert touched.numel() == parameter.grad._nnz()  # each class once
        assert touched.numel() <= 40 + 40 + 40  # its own, two found for every other one, and drawn
        assert set(labels.tolist()) <= set(touched.tolist())


@pytest.mark.parametrize("n_active", [1, 2, 3])
def test_hardly_any_classes(n_active):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active)
    assert np.isfinite(train(layer, hidden, labels)).all()
    assert layer.top_k(hidden, 2).classes.shape == (40, 2)


def test_candidates(path):
    """Each class once, for itself or for all those that it stands for; the same for all samples."""
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=160)
    train(layer, hidden, labels, 12)
    layer.refresh()
    with torch.no_grad():
        codes = layer._codes(hidden)
        found = layer._tables.most_collisions(codes, 3)
        layer._deck = shuffled(300, 0)
        classes, log_counts = layer._candidates(codes, labels)
        drawn = layer._deck.cards[:80].tolist()
    popular = layer._tables.popular(80).tolist()
    certain = {*labels.tolist(), *popular}
    for row, own in zip(found.tolist(), labels.tolist(), strict=True):
        certain.update([k for k in row if k not in (own, NO_CLASS)][:2])
    assert classes.tolist() == sorted(certain | set(drawn))
    assert len(certain) < 120
    expected = [0 if k in certain else np.log(300 / 80) for k in classes.tolist()]
    torch.testing.assert_close(log_counts, torch.tensor(expected, dtype=torch.float32))


def test_few_samples_of_a_large_batch_are_looked_up():
    hidden, labels = some_samples(500)
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    layer(hidden, labels)
    codes = layer._codes(hidden)
    found = layer._found(codes, labels)
    assert torch.equal(found, layer._found(codes[::25], labels[::25]))
    assert 0 < found.numel() <= 20


def test_scores_of_candidates():
    hidden, weight, bias = torch.randn(5, 4), torch.randn(9, 4), torch.randn(9, 1)
    candidates = pool(torch.tensor([7, 2, 7]), torch.tensor([8, 2, 0]), 9)
    assert candidates.classes.tolist() == [0, 2, 7, 8]
    assert candidates.log_counts.tolist() == pytest.approx([np.log(3), 0, 0, np.log(3)])
    assert candidates.places(torch.tensor([8, 2])).tolist() == [3, 1]
    for given in (bias, None):
        expected = hidden @ weight.T + (0 if given is None else given.T)
        scores = candidate_scores(hidden, weight, given, candidates)
        torch.testing.assert_close(
            scores, expected[:, candidates.classes] + candidates.log_counts, check_dtype=False
        )


def test_gradients_of_rows():
    """As by indexing, but for each row once."""
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    classes, factors = torch.tensor([1, 4, 8]), torch.randn(3, 4, dtype=torch.float64)
    (ours,) = torch.autograd.grad((Rows.apply(weight, classes) * factors).square().sum(), weight)
    (theirs,) = torch.autograd.grad((weight[classes] * factors).square().sum(), weight)
    assert ours.is_coalesced()
    assert ours.indices()[0].tolist() == classes.tolist()
    torch.testing.assert_close(ours.to_dense(), theirs)


def test_gradients_add_up():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    start, sums = copy.deepcopy(layer.get_extra_state()), 0
    for part in (slice(25), slice(25, 40)):
        layer.zero_grad()
        layer(hidden[part], labels[part]).backward()
        sums = sums + layer.weight.grad.to_dense()
    layer.zero_grad()
    layer.set_extra_state(start)
    for part in (slice(25), slice(25, 40)):
        layer(hidden[part], labels[part]).backward()
    torch.testing.assert_close(layer.weight.grad.to_dense(), sums)


def test_popular_classes_are_always_candidates():
    hidden, _ = some_samples(200)
    labels = torch.arange(200).clamp(max=150)  # every fourth sample is of class 150
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    assert layer._tables.popular(20).numel() == 0
    train(layer, hidden, labels, 12)
    assert layer._tables.popular(4).tolist() == [150]
    assert layer._tables.popular(20).tolist() == [150, 0, 1, 2, 3]
    classes, log_counts = layer._candidates(layer._codes(hidden[:1]), labels[:1])
    assert log_counts[classes == 150] == 0


# Losses, as PyTorch's


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore_index", [-100, 7])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_those_of_cross_entropy(weighted, label_smoothing, ignore_index, reduction):
    hidden, labels = some_samples(60, 8, 20)
    labels[::9] = ignore_index
    settings = {
        "ignore_index": ignore_index,
        "label_smoothing": label_smoothing,
        "reduction": reduction,
    }
    weight = torch.rand(20) + 0.5 if weighted else None
    layer = LSHSoftmaxLoss(8, 20, n_active=20, class_weight=weight, **settings)
    answers = []
    for loss in (
        lambda: layer.train()(hidden, labels),
        lambda: layer.eval()(hidden, labels),
        lambda: cross_entropy(layer.scores(hidden), labels, weight, **settings),
    ):
        layer.zero_grad()
        value = loss()
        value.sum().backward()
        answers.append([value, *(p.grad.to_dense() for p in layer.parameters())])
    for sampled, exact, expected in zip(*answers, strict=True):
        torch.testing.assert_close(sampled, expected)
        torch.testing.assert_close(exact, expected)


def test_smoothed_losses_are_right_in_the_mean():
    """What is smoothed is a mean over all classes, here that of scores that are far apart."""
    hidden, labels = some_samples(10)
    weight = torch.rand(300) + 0.5
    layer = LSHSoftmaxLoss(8, 300, n_active=40, class_weight=weight, label_smoothing=1.0)
    sampled, means = [], []
    with torch.no_grad():
        layer.weight *= 3
        scores = layer.scores(hidden)
        for seed in range(300):
            layer._deck = shuffled(300, seed)
            candidates = layer._candidates(layer._codes(hidden), labels)
            some = candidate_scores(hidden, layer.weight, layer.bias, candidates)
            losses = layer._entropy.of_candidates(some, labels, candidates, 300)
            weights = candidates.log_counts.exp() * weight[candidates.classes]
            # Less the partition function's logarithm, which is biased.
            sampled.append((losses * 300 - weights.sum() * torch.logsumexp(some, 1)).mean())
            means.append(weights.sum() / 300)
        expected = -(scores * weight).sum(dim=1).mean()
    assert abs(np.mean(sampled) - expected) < 4 * np.std(sampled, ddof=1) / 300**0.5
    assert abs(np.mean(means) - weight.mean()) < 4 * np.std(means, ddof=1) / 300**0.5
    assert np.std(sampled) > 1e-3


def test_losses_from_some_classes():
    """Of samples whose partition function is known: their own class, and one for two others."""
    batch = pool(torch.tensor([1]), torch.tensor([0]), 2)
    assert batch.classes.tolist() == [0, 1]
    scores = torch.tensor([[2.0, 1.0], [0.5, 3.0]])
    plain, smooth = (Entropy(None, -100, eps, "none") for eps in (0.0, 0.5))
    log_partition = torch.logsumexp(scores, dim=1)
    labels = torch.tensor([1, 1])
    losses = log_partition - scores[:, 1]
    torch.testing.assert_close(plain.of_candidates(scores, labels, batch, 3), losses)
    others = (3 * log_partition - 2 * (scores[:, 0] - np.log(2)) - scores[:, 1]) / 3
    found = smooth.of_candidates(scores, labels, batch, 3)
    torch.testing.assert_close(found, (losses + others) / 2)


def test_all_samples_ignored():
    hidden, labels = some_samples()
    labels[:] = -100
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    assert torch.isnan(layer(hidden, labels))  # as PyTorch's
    layer = LSHSoftmaxLoss(8, 300, n_active=40, reduction="sum")
    layer(hidden, labels).backward()
    assert layer.weight.grad.to_dense().abs().sum() == 0


# Centroids


def test_rows_start_at_centroids():
    centres = torch.randn(50, 8) + 2
    labels = torch.arange(45).repeat(4)
    hidden = centres[labels] + 0.1 * torch.randn(180, 8)
    layer = LSHSoftmaxLoss(8, 50, n_active=10)
    losses = train(layer, hidden, labels, 3)
    spoilt = torch.full((2, 8), np.nan), torch.tensor([3, -100])
    batches = [(hidden[:70], labels[:70]), (hidden[70:], labels[70:]), spoilt]
    layer.start_at_centroids(iter(batches))
    assert torch.isfinite(layer.weight).all()
    assert (layer.weight[45:] == 0).all()
    mean = hidden.mean(dim=0)
    towards = torch.stack([hidden[labels == k].mean(dim=0) for k in range(45)]) - mean
    cosines = torch.cosine_similarity(layer.weight[:45], towards)
    torch.testing.assert_close(cosines, torch.ones(45))
    lengths = layer.weight[:45].norm(dim=1)
    torch.testing.assert_close(lengths, lengths[:1].expand(45))
    scores = layer.scores(hidden)
    own = scores.gather(1, labels[:, None]).mean()
    torch.testing.assert_close(own, torch.tensor(OWN_SCORE))
    torch.testing.assert_close(layer.scores(mean), torch.zeros(50), atol=1e-4, rtol=0)
    assert (layer.top_k(hidden, 1).classes[:, 0] == labels).float().mean() > 0.95
    assert np.isfinite(train(layer, hidden, labels, 3)).all()
    assert layer(hidden, labels) < losses[0]


def test_rows_that_cannot_start_at_centroids_stay():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300)
    before = layer.weight.detach().clone()
    for wrong in ([], [(hidden, torch.full_like(labels, -100))]):
        with pytest.raises(ValueError, match="batches must hold samples"):
            layer.start_at_centroids(wrong)
    with pytest.raises(ValueError, match="labels must have shape"):
        layer.start_at_centroids([(hidden, labels), (hidden, labels[:3])])
    assert torch.equal(layer.weight, before)
    without_bias = LSHSoftmaxLoss(8, 300, bias=False)
    without_bias.start_at_centroids([(hidden.reshape(2, 20, 8), labels.reshape(2, 20))])
    assert (without_bias.weight[labels] != 0).any(dim=1).all()
    alike = torch.ones(40, 8)
    without_bias.start_at_centroids([(alike, labels)])
    assert (without_bias.weight == 0).all()


def test_compiled_and_array_path_agree(monkeypatch):
    pytest.importorskip("array_api_compat")
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40, n_bits=9)
    other = copy.deepcopy(layer)
    losses = train(layer, hidden, labels, 25)
    found = layer.top_k(hidden, 5)
    monkeypatch.setattr(bridge, "hashable", as_on_other_devices)
    assert train(other, hidden, labels, 25) == losses
    assert torch.equal(other.top_k(hidden, 5).classes, found.classes)


@pytest.mark.parametrize("optimizer", ["SGD", "Adagrad", "SparseAdam"])
@pytest.mark.parametrize("hash_function", ["simhash", "simple", "dwta"])
def test_optimizers_and_families(optimizer, hash_function):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40, hash_function=hash_function)
    losses = train(layer, hidden, labels, 40, getattr(torch.optim, optimizer))
    assert losses[-1] < losses[0]
    assert layer._tables.memory.counts.sum() == 40 * 40


# Tables


def test_tables_are_refreshed_ever_less_often(monkeypatch):
    built = []
    monkeypatch.setattr(
        LSHSoftmaxLoss, "refresh", lambda self, hidden: built.append(self._n_steps) or real(self)
    )
    hidden, labels = some_samples(600)
    layer = LSHSoftmaxLoss(8, 300, n_active=100)

    def real(self):
        self._tables.build()

    for _ in range(60):
        layer(hidden, labels)
    periods = np.diff(built)
    assert built[0] == 0
    assert len(built) > 3
    assert (np.diff(periods) >= 0).all()
    assert periods[-1] > periods[0] >= 10


@pytest.mark.parametrize(("row_cost", "expected"), [(100, 10), (600, 30)])
def test_refreshes_take_a_tenth_of_the_work(monkeypatch, row_cost, expected):
    monkeypatch.setattr(hashed_classes, "ROW_COST", row_cost)
    hidden, labels = some_samples(600)
    layer = LSHSoftmaxLoss(8, 300, n_active=100)
    layer(hidden, labels)
    assert layer._period.length == expected


def test_samples_lead_to_their_classes(path):
    hidden, labels = some_samples(200, 16, 5000)
    layer = LSHSoftmaxLoss(16, 5000, n_active=40)
    layer(hidden, labels)
    before = (layer.top_k(hidden, 40).classes == labels[:, None]).any(1).float().mean()
    layer.refresh()
    found = layer._tables.most_collisions(layer._codes(hidden), 10)
    after = (found == labels[:, None]).any(1).float().mean()
    assert before < 0.2
    assert after > 0.99


def test_the_latest_samples_of_each_class_are_remembered(path):
    # One class has nearly all samples, and leaves the others theirs.
    layer = LSHSoftmaxLoss(2, 4, n_active=2)
    hidden, labels = torch.randn(60, 2), torch.tensor([0, 0, 0, 0, 1, 0, 2, 0, 0, 0] * 6)
    for part in (slice(25), slice(25, 60)):
        layer(hidden[part], labels[part])
    codes, memory = layer._codes(hidden), layer._tables.memory
    for k, n_remembered in enumerate([5, 5, 5, 0]):
        places = np.flatnonzero((memory.owners == k) & ~memory.is_blank)[1:]
        latest = codes[labels == k][-5:]
        assert len(places) == len(latest) == n_remembered
        remembered = layer._tables.codes[torch.from_numpy(places)]
        assert sorted(remembered.tolist()) == sorted(latest.tolist())


def test_scores_of_pairs():
    hidden, weight, bias = torch.randn(3, 4), torch.randn(7, 4), torch.randn(7, 1)
    classes = torch.tensor([[0, 6], [1, 1], [5, 2]])
    expected = (hidden @ weight.T).gather(1, classes)
    torch.testing.assert_close(pair_scores(hidden, weight, None, classes), expected)
    expected = expected + bias[classes, 0]
    torch.testing.assert_close(pair_scores(hidden, weight, bias, classes), expected)


@pytest.mark.parametrize("n_samples", [1000, 100_000])
def test_rounding_is_no_difference_between_classes(n_samples):
    """Centroids of equal vectors differ by their sums' last digits."""
    hidden, labels = torch.randn(8).expand(n_samples, 8), torch.arange(n_samples) % 30
    layer = LSHSoftmaxLoss(8, 30, n_active=10)
    layer.start_at_centroids([(hidden, labels)])
    assert (layer.weight == 0).all()
    assert (layer.bias == 0).all()
    # What is a thousandth of what they have in common is a difference.
    layer.start_at_centroids([(hidden + 1e-3 * torch.randn(30, 8)[labels], labels)])
    assert (layer.weight != 0).any(dim=1).all()


@pytest.mark.parametrize(("size", "dtype"), [(3e38, None), (1e30, None), (1e-4, torch.float16)])
def test_centroids_that_are_not_finite_change_nothing(size, dtype):
    _, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, dtype=dtype)
    before = copy.deepcopy(layer.state_dict())
    hidden = (size * torch.eye(8).repeat(5, 1)).to(layer.weight.dtype)
    with pytest.raises(ValueError, match="batches must hold hidden vectors"):
        layer.start_at_centroids([(hidden, labels)])
    torch.testing.assert_close(layer.state_dict(), before, rtol=0, atol=0)


def test_hashing_starts_where_centroids_are():
    """Hidden vectors have much in common, and other than those of the training before."""
    centres = torch.randn(3000, 16) + 20
    labels = torch.arange(3000)
    layer = LSHSoftmaxLoss(16, 3000, n_active=256, seed=0)
    train(layer, *some_samples(40, 16, 3000), 2)
    layer.start_at_centroids([(centres, labels)])
    torch.testing.assert_close(layer.mean, centres.mean(dim=0))
    assert layer._unit == pytest.approx(1, rel=0.1)
    exact = layer.top_k(centres[:300], 1, exact=True).classes
    assert (layer.top_k(centres[:300], 1).classes == exact).float().mean() > 0.95


# Prediction


def test_top_k(path):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60)
    train(layer, hidden, labels, 60)
    layer.refresh()
    exact = layer.top_k(hidden, 4, exact=True)
    best = layer.scores(hidden).topk(4)
    assert torch.equal(exact.classes, best.indices)
    found = layer.top_k(hidden, 4)
    torch.testing.assert_close(found.scores, layer.scores(hidden).gather(1, found.classes))
    assert (found.scores[:, :-1] >= found.scores[:, 1:]).all()
    assert (found.classes[:, 0] == exact.classes[:, 0]).float().mean() > 0.9
    all_of_them = layer.top_k(hidden, 300)
    assert torch.equal(all_of_them.classes.sort().values[0], torch.arange(300))


def test_log_prob():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60)
    classes = torch.stack([labels, labels.flip(0)], dim=1)
    expected = torch.log_softmax(layer.scores(hidden), 1).gather(1, classes)
    torch.testing.assert_close(layer.log_prob(hidden, classes, exact=True), expected)
    close = layer.log_prob(hidden, classes)
    assert 0 < (close - expected).abs().max() < 1


def test_parts_of_many_samples(monkeypatch):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60).eval()

    def answers():
        yield layer(hidden, labels)
        yield from layer.top_k(hidden, 3)
        yield from layer.top_k(hidden, 3, exact=True)
        yield layer.log_partition(hidden, exact=True)

    at_once = list(answers())
    monkeypatch.setattr(softmax, "CHUNK_VALUES", 2000)
    for part, whole in zip(answers(), at_once, strict=True):
        torch.testing.assert_close(part, whole)


def test_all_classes_are_computed_for_few_samples_at_once(monkeypatch):
    hidden, _ = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=300)
    monkeypatch.setattr(softmax, "CHUNK_VALUES", 2000)
    sizes, scores = [], layer.scores
    monkeypatch.setattr(layer, "scores", lambda part: sizes.append(len(part)) or scores(part))
    layer.top_k(hidden, 3)
    assert max(sizes) == 2000 // 300


def test_sequences():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60, reduction="none")
    twin = copy.deepcopy(layer)
    flat = layer(hidden, labels)
    shaped = twin(hidden.reshape(4, 10, 8), labels.reshape(4, 10))
    assert torch.equal(shaped.flatten(), flat)
    assert layer.top_k(hidden.reshape(4, 10, 8), 3).classes.shape == (4, 10, 3)
    assert layer.log_partition(hidden.reshape(4, 10, 8)).shape == (4, 10)
    assert layer.log_prob(hidden.reshape(4, 10, 8), labels.reshape(4, 10, 1)).shape == (4, 10, 1)


# Repeating, copying, saving


def test_seeds():
    hidden, labels = some_samples()

    def losses(global_seed, **settings):
        torch.manual_seed(global_seed)
        return train(LSHSoftmaxLoss(8, 300, n_active=40, **settings), hidden, labels)

    assert losses(1) == losses(1) != losses(2)
    assert losses(1, seed=3) == losses(1, seed=3) != losses(1, seed=4)


@pytest.mark.parametrize("n_steps", [0, 7, 25])
def test_state_goes_on_where_it_was(n_steps, path):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels, n_steps)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    loaded = LSHSoftmaxLoss(8, 300, n_active=40)
    loaded.load_state_dict(torch.load(file, weights_only=True))
    copied = copy.deepcopy(layer)
    losses = train(layer, hidden, labels, 25)
    assert train(loaded, hidden, labels, 25) == losses
    assert train(copied, hidden, labels, 25) == losses


def test_states_are_copies():
    hidden, labels = some_samples()
    layer, other = (LSHSoftmaxLoss(8, 300, n_active=40) for _ in range(2))
    train(layer, hidden, labels)
    other.load_state_dict(layer.state_dict())
    before = layer._tables.codes.clone()
    train(other, hidden, labels)
    assert torch.equal(layer._tables.codes, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_moving_to_another_device():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels)
    moved = copy.deepcopy(layer).cuda()
    ours, theirs = layer.top_k(hidden, 5), moved.top_k(hidden.cuda(), 5)
    assert torch.equal(theirs.classes.cpu(), ours.classes)
    assert np.isfinite(train(moved, hidden.cuda(), labels.cuda())).all()


def test_moving_to_another_type():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels)
    losses = train(layer.double(), hidden.double(), labels)
    assert np.isfinite(losses).all()


def test_bad_input():
    layer = LSHSoftmaxLoss(8, 300)
    hidden, labels = some_samples()
    with pytest.raises(ValueError, match="hidden must have 8 features"):
        layer(hidden[:, :7], labels)
    with pytest.raises(ValueError, match="labels must have shape"):
        layer(hidden, labels[:7])
    for wrong in (labels - 300, labels + 300):
        with pytest.raises(ValueError, match="labels must be classes from 0 to 299"):
            layer(hidden, wrong)
    with pytest.raises(ValueError, match="k must be from 1 to 300, got 301"):
        layer.top_k(hidden, 301)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"n_active": value} for value in (0, 1.5, True, "a")),
        {"reduction": "median"},
        *({"label_smoothing": value} for value in (1.5, True)),
        *({"ignore_index": value} for value in (0.5, True, 2**70, -(2**63) - 1)),
        {"n_bits": 17},
        {"n_tables": None},
        {"hash_function": "sha1"},
        {"hash_function": 3},
        {"seed": -1},
        {"bias": "yes"},
    ],
    ids=str,
)
def test_bad_settings(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"The '{name}' parameter of LSHSoftmaxLoss"):
        LSHSoftmaxLoss(8, 300, **wrong)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool, torch.complex64])
def test_labels_are_integers(dtype):
    layer = LSHSoftmaxLoss(8, 300)
    hidden, labels = some_samples()
    with pytest.raises(TypeError, match="labels must be a tensor of integers"):
        layer(hidden, labels.to(dtype))
    with pytest.raises(TypeError, match="classes must be a tensor of integers"):
        layer.log_prob(hidden, labels[:, None].to(dtype))
    for small in (torch.uint8, torch.int16, torch.int32):
        assert torch.isfinite(layer(hidden, (labels % 100).to(small)))


@pytest.mark.parametrize("wrong", [None, "a", np.ones((40, 8)), torch.ones((40, 8), dtype=int)])
def test_hidden_vectors_are_tensors_of_real_numbers(wrong):
    layer = LSHSoftmaxLoss(8, 300)
    _, labels = some_samples()
    for call in (
        lambda: layer(wrong, labels),
        lambda: layer.scores(wrong),
        lambda: layer.top_k(wrong, 3),
        lambda: layer.log_partition(wrong),
        lambda: layer.log_prob(wrong, labels[:, None]),
    ):
        with pytest.raises(TypeError, match="hidden must be a tensor of floating-point numbers"):
            call()
    with pytest.raises(TypeError, match=r"hidden must be of the weights' type, torch\.float32"):
        layer(torch.ones(40, 8).double(), labels)


# Batches that a training loop skips


def test_centres_are_of_finite_vectors():
    hidden = torch.randn(20, 4) + 3
    spoilt = torch.cat([hidden, torch.tensor([[np.nan, 0, 0, 0], [0, np.inf, 0, 0]])])
    for given in (hidden, spoilt):
        mean, unit = sketches.find_centre(given)
        torch.testing.assert_close(mean, hidden.mean(dim=0))
        assert unit == pytest.approx(float((hidden - mean).square().mean().sqrt()))
    for none in (spoilt[20:], hidden[:0], hidden * 1e38):
        assert sketches.find_centre(none) is None
    assert sketches.find_centre(torch.ones(3, 2)).unit == 1
    found = sketches.query_sketches(spoilt, sketches.Centre(mean, unit))
    torch.testing.assert_close(found[:20, :4], hidden - mean)
    assert (found[20:, :4] == 0).all()
    assert (found[:, 4] == unit).all()


def test_sketches_of_rows_and_vectors_give_scores():
    hidden, weight, bias = torch.randn(6, 4) + 2, torch.randn(9, 4), torch.randn(9, 1)
    centre = sketches.find_centre(hidden)
    rows = sketches.row_sketches(weight, bias, centre)
    scores = sketches.query_sketches(hidden, centre) @ rows.T
    torch.testing.assert_close(scores, hidden @ weight.T + bias[:, 0])


def test_checks_under_autocast():
    weight = torch.zeros(5, 3)
    with pytest.raises(TypeError, match=r"use torch\.autocast"):
        checks.check_hidden(torch.zeros(2, 3).bfloat16(), weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert checks.check_hidden(torch.zeros(2, 2, 3).bfloat16(), weight).shape == (4, 3)


CENTRES = 2 * torch.randn(200, 16, generator=torch.Generator().manual_seed(0))


def train_but_for_one_batch(step, spoil):
    """Train on noisy centres, and skip a batch that may be spoilt; returns the share found then."""
    torch.manual_seed(1)
    layer = LSHSoftmaxLoss(16, 200, n_active=40, seed=0)
    optimizer = torch.optim.SparseAdam(layer.parameters(), lr=0.05)
    for k in range(40):
        labels = torch.randint(200, (64,))
        hidden = CENTRES[labels] + 0.1 * torch.randn(64, 16)
        if k == step:
            spoil(layer, hidden, labels)
            continue
        optimizer.zero_grad()
        layer(hidden, labels).backward()
        optimizer.step()
    assert torch.isfinite(layer.mean).all()
    layer.refresh()
    found = layer.eval().top_k(CENTRES, 1).classes[:, 0]
    return (found == torch.arange(200)).float().mean()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38], ids=str)
@pytest.mark.parametrize("step", [0, 1, 10])
@pytest.mark.parametrize("n_bad", [1, 64])
def test_vectors_that_are_not_finite_leave_no_trace(bad, step, n_bad, path):
    """Whether or not tables are built at that step: at 0 and at 10 they are."""

    def spoil(layer, hidden, labels):
        hidden[:n_bad] = bad
        codes, counts = layer._tables.codes.clone(), layer._tables.memory.counts.copy()
        assert not torch.isfinite(layer(hidden, labels))
        if n_bad == 64 and bad != 3e38:  # nothing of it is remembered
            np.testing.assert_array_equal(layer._tables.memory.counts, counts)
            assert torch.equal(layer._tables.codes[200:], codes[200:])

    expected = train_but_for_one_batch(step, lambda *batch: None)
    assert expected > 0.9
    assert train_but_for_one_batch(step, spoil) > expected - 0.05


def test_one_bad_vector_changes_nothing_that_others_leave():
    hidden, labels = some_samples()
    layers = [LSHSoftmaxLoss(8, 300, n_active=40, seed=0) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    spoilt = torch.cat([hidden, torch.full((1, 8), np.nan)])
    layers[0](hidden, labels)
    layers[1](spoilt, torch.cat([labels, labels[:1]]))
    one, other = (layer.state_dict() for layer in layers)
    assert torch.equal(one["mean"], other["mean"])
    assert torch.equal(*(state["_extra_state"]["tables"]["codes"] for state in (one, other)))


def test_a_checkpoint_that_was_spoilt_recovers():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels)
    layer.mean[0] = np.nan
    layer.refresh(hidden)
    torch.testing.assert_close(layer.mean, hidden.mean(dim=0))


# Mixed precision, and compiled models


@pytest.mark.parametrize("n_active", [40, 300])
@pytest.mark.parametrize("device", DEVICES)
def test_losses_under_autocast_are_float32(device, n_active):
    hidden, labels = (tensor.to(device) for tensor in some_samples(400))
    layer, twin = (
        LSHSoftmaxLoss(8, 300, n_active=n_active, seed=0, device=device) for _ in range(2)
    )
    twin.load_state_dict(layer.state_dict())
    for given in (hidden, hidden.bfloat16()):
        layer.train()
        with torch.autocast(device, dtype=torch.bfloat16):
            losses = [
                layer(given, labels),
                layer.log_partition(given),
                layer.log_partition(given, exact=True),
                layer.log_prob(given, labels[:, None]),
                layer.eval()(given, labels),
            ]
        assert all(loss.dtype == torch.float32 for loss in losses)
    layer.load_state_dict(twin.state_dict())
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = layer.train()(hidden, labels)
    expected = twin(hidden, labels)
    torch.testing.assert_close(loss, expected, rtol=2e-3, atol=2e-3)
    # Codes are those of full precision.
    assert torch.equal(layer._tables.codes, twin._tables.codes)
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_modules_of_half_precision_answer_in_it(dtype):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60).to(dtype)
    loss = layer(hidden.to(dtype), labels)
    assert loss.dtype == layer.log_partition(hidden.to(dtype)).dtype == dtype
    full = copy.deepcopy(layer).float().eval()
    torch.testing.assert_close(
        layer.eval()(hidden.to(dtype), labels).float(), full(hidden, labels), rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("n_active", [40, 300])
@pytest.mark.parametrize("weighted", [False, True])
def test_means_in_half_precision_are_of_any_number_of_losses(dtype, n_active, weighted):
    """Their sum is more than float16 holds, their number more than bfloat16 counts to."""
    hidden, labels = torch.zeros(7000, 8, dtype=dtype), torch.zeros(7000, dtype=torch.int64)
    weight = torch.rand(300) + 0.5 if weighted else None
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active, class_weight=weight, dtype=dtype, seed=0)
    with torch.no_grad():
        layer.bias.zero_()
        layer.bias[0] = -12
    expected = torch.tensor(np.log(299) + 12, dtype=dtype)
    for loss in (layer(hidden, labels), layer.eval()(hidden, labels)):
        torch.testing.assert_close(loss, expected, rtol=0.02, atol=0)
    loss.backward()
    assert torch.isfinite(layer.bias.grad.to_dense()).all()


@pytest.mark.filterwarnings("ignore")  # PyTorch's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_models_agree(backend):
    hidden, labels = some_samples()

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Linear(8, 8)
            self.head = LSHSoftmaxLoss(8, 300, n_active=40, seed=0)

        def forward(self, hidden, labels):
            return self.head(torch.relu(self.body(hidden)), labels)

    def losses(compiled):
        torch.manual_seed(0)
        model = Model()
        called = torch.compile(model, backend=backend) if compiled else model
        optimizers = [
            torch.optim.Adam(model.body.parameters(), lr=0.01),
            torch.optim.SparseAdam(model.head.parameters(), lr=0.05),
        ]
        found = []
        for _ in range(12):
            for optimizer in optimizers:
                optimizer.zero_grad()
            found.append(called(hidden, labels))
            found[-1].backward()
            for optimizer in optimizers:
                optimizer.step()
        found.append(called.eval()(hidden, labels))
        top = model.head.top_k(torch.relu(model.body(hidden)), 3).classes
        return torch.stack(found).detach(), top

    torch._dynamo.reset()
    (ours, top), (expected, expected_top) = losses(True), losses(False)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
    assert (top == expected_top).float().mean() > 0.95
    layer = LSHSoftmaxLoss(8, 300, n_active=300)
    torch.testing.assert_close(
        torch.compile(layer, backend=backend)(hidden, labels), layer(hidden, labels)
    )


# Learning


def test_learns_as_well_as_a_full_softmax():
    """Held-out samples of 1,000 classes, of which 100 are computed."""
    n_classes, n_features = 1000, 24
    centres = torch.randn(n_classes, n_features)
    y = torch.arange(n_classes).repeat(6)
    X = centres[y] + 0.6 * torch.randn(len(y), n_features)
    y_test = torch.arange(n_classes)
    X_test = centres + 0.6 * torch.randn(n_classes, n_features)

    def accuracy(n_active):
        torch.manual_seed(1)
        body = torch.nn.Sequential(torch.nn.Linear(n_features, 48), torch.nn.ReLU())
        head = LSHSoftmaxLoss(48, n_classes, n_active=n_active, seed=0)
        optimizers = [
            torch.optim.Adam(body.parameters(), lr=0.01),
            torch.optim.SparseAdam(head.parameters(), lr=0.02),
        ]
        for _ in range(12):
            for batch in torch.randperm(len(y)).split(200):
                for optimizer in optimizers:
                    optimizer.zero_grad()
                head(body(X[batch]), y[batch]).backward()
                for optimizer in optimizers:
                    optimizer.step()
        head.refresh()
        with torch.no_grad():
            hidden = body(X_test)
        tops = head.top_k(hidden, 1, exact=True), head.top_k(hidden, 1)
        return [(top.classes[:, 0] == y_test).float().mean().item() for top in tops]

    full = accuracy(n_classes)[0]
    sampled, looked_up = accuracy(100)
    print(full, sampled, looked_up)
    assert full > 0.7
    assert sampled > full - 0.03
    assert looked_up > sampled - 0.03
