"""The output layer for PyTorch: what it computes exactly, its tables, predictions and checks."""

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import (  # noqa: E402
    LSHSoftmaxLoss,
    bridge,
    hashed_classes,
    sketches,
    softmax,
)

from ..support.torch_layers import DEVICES, as_on_other_devices, some_samples, train  # noqa: E402

cross_entropy = torch.nn.functional.cross_entropy

# PyTorch's own Adagrad makes sparse tensors without saying whether they are to be checked.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")


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


def test_sketches_of_rows_and_vectors_give_scores():
    hidden, weight, bias = torch.randn(6, 4) + 2, torch.randn(9, 4), torch.randn(9, 1)
    centre = sketches.find_centre(hidden)
    rows = sketches.row_sketches(weight, bias, centre)
    scores = sketches.query_sketches(hidden, centre) @ rows.T
    torch.testing.assert_close(scores, hidden @ weight.T + bias[:, 0])


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
