"""The memory for PyTorch: its rule, its loss, and its state."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")

from sklearn_lsh.memory import LSHMemoryClassifier  # noqa: E402
from sklearn_lsh.torch import LSHMemory  # noqa: E402
from sklearn_lsh.torch.memory import NO_LABEL, NearestKeys  # noqa: E402


def make_samples(n, n_features=6, n_classes=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    hidden = rng.normal(size=(n_classes, n_features))[labels] + rng.normal(size=(n, n_features))
    return torch.from_numpy(hidden.astype(np.float32)), torch.from_numpy(labels)


def test_it_is_the_classifiers_memory():
    """Without noise, which each draws in its own way."""
    hidden, labels = make_samples(300)
    memory = LSHMemory(6, 40, age_noise=0)
    for part in torch.arange(300).split(64):
        memory(hidden[part], labels[part])
    classifier = LSHMemoryClassifier(40, age_noise=0).fit(hidden.numpy(), labels.numpy())
    assert_allclose(memory.keys, classifier.keys_, atol=1e-5)
    assert_array_equal(memory.labels, classifier.labels_)
    assert_array_equal(memory.ages, classifier.ages_)


def test_batches_are_learnt_sample_by_sample():
    hidden, labels = make_samples(200)
    whole, parts = (LSHMemory(6, 30, seed=4) for _ in range(2))
    whole(hidden, labels)
    for i in range(200):
        parts(hidden[i], labels[i])
    assert_allclose(whole.keys, parts.keys, atol=1e-5)
    assert_array_equal(whole.labels, parts.labels)
    assert_array_equal(whole.ages, parts.ages)


def test_loss_by_its_formula():
    memory = LSHMemory(6, 100, margin=0.3, seed=0)
    memory(*make_samples(60))
    memory.eval()
    hidden, labels = make_samples(40, seed=1)
    keys, owners = memory.keys.numpy().astype(float), memory.labels.numpy()
    rows = hidden.numpy() / np.linalg.norm(hidden.numpy(), axis=1, keepdims=True)
    expected = []
    for row, label in zip(rows, labels.numpy(), strict=True):
        right, wrong = keys[owners == label] @ row, keys[(owners != label) & (owners >= 0)] @ row
        known = right.size and wrong.size
        expected.append(max(0, wrong.max() - right.max() + 0.3) if known else 0)
    assert np.mean(expected) > 0
    assert_allclose(memory(hidden, labels).item(), np.mean(expected), rtol=1e-5)


def test_gradients_go_into_hidden_vectors_alone():
    memory = LSHMemory(6, 100, dtype=torch.float64, seed=0)
    hidden, labels = make_samples(50)
    memory(hidden.double(), labels)
    memory.eval()
    given = make_samples(8, seed=1)[0].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda hidden: memory(hidden, labels[:8]), given)
    memory.train()
    memory(given, labels[:8]).backward()  # though keys have changed since
    assert torch.isfinite(given.grad).all()
    assert not memory.keys.requires_grad
    assert not list(memory.parameters())


def test_a_network_learns_from_it():
    """What is noise in most directions is told apart by the others in the end."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(20, size=2000))
    means = rng.normal(size=(20, 30)) * (np.arange(30) < 4)
    hidden = torch.from_numpy((means[labels] + 0.8 * rng.normal(size=(2000, 30))).astype("f4"))
    layer, memory = torch.nn.Linear(30, 16), LSHMemory(16, 200, seed=0)

    def score():
        return (memory.query(layer(hidden[1600:])).labels[:, 0] == labels[1600:]).float().mean()

    with torch.no_grad():
        memory(layer(hidden[:1600]), labels[:1600])
    before = score()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(3):
        for part in torch.arange(1600).split(50):
            optimizer.zero_grad()
            memory(layer(hidden[part]), labels[part]).backward()
            optimizer.step()
    assert score() > before + 0.05


def test_asking_and_evaluating_write_nothing():
    memory = LSHMemory(6, 20, seed=0)
    memory(*make_samples(30))
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    memory.query(make_samples(9, seed=2)[0], 3)
    memory.eval()
    memory(*make_samples(9, seed=2))
    for name, value in memory.state_dict().items():
        assert torch.equal(value, before[name])


def test_empty_slots_match_nothing():
    memory = LSHMemory(4, 5, seed=0)
    nearest = memory.query(torch.ones(2, 3, 4), 2)
    assert isinstance(nearest, NearestKeys)
    assert (nearest.labels == NO_LABEL).all()
    assert nearest.labels.shape == nearest.scores.shape == (2, 3, 2)
    memory(torch.tensor([-1.0, 0, 0, 0]), torch.tensor(0))
    nearest = memory.query(torch.tensor([1.0, 0, 0, 0]), 2)
    assert nearest.labels.tolist() == [0, NO_LABEL]
    assert nearest.scores[0] == -1


def test_state_goes_on():
    memory = LSHMemory(6, 20, seed=3)
    memory(*make_samples(50))
    twin = LSHMemory(6, 20, seed=9)
    twin.load_state_dict(memory.state_dict())
    for each in (memory, twin):
        each(*make_samples(50, seed=1))
    for name, value in memory.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name])
    with pytest.raises(RuntimeError, match="size mismatch"):
        LSHMemory(6, 21).load_state_dict(memory.state_dict())
    memory.reset()
    assert (memory.labels == NO_LABEL).all()
    assert "n_slots=20" in repr(memory)


@pytest.mark.parametrize(
    ("hidden", "labels", "message"),
    [
        (torch.zeros(2, 6), torch.tensor([0, 1]), "row 0"),
        (torch.full((2, 6), torch.nan), torch.tensor([0, 1]), "row 0"),
        (torch.ones(2, 5), torch.tensor([0, 1]), "6 features"),
        (torch.ones(2, 6), torch.tensor([0, -1]), "negative"),
        (torch.ones(2, 6), torch.tensor([0.0, 1.0]), "labels must be a tensor of integers"),
        (torch.ones(2, 6), [0, 1], "labels must be a tensor of integers"),
        (torch.ones(2, 6), torch.tensor([0]), "labels must have shape"),
        (np.ones((2, 6)), torch.tensor([0, 1]), "hidden must be a tensor"),
        (torch.ones(2, 6, dtype=torch.float64), torch.tensor([0, 1]), "float64"),
    ],
)
def test_refused_calls_change_nothing(hidden, labels, message):
    memory = LSHMemory(6, 20, seed=0)
    memory(*make_samples(10))
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    with pytest.raises((TypeError, ValueError), match=message):
        memory(hidden, labels)
    for name, value in memory.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    "parameters", [{"n_slots": 0}, {"margin": -1}, {"age_noise": -1}, {"seed": -1}], ids=str
)
def test_refused_parameters(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        LSHMemory(6, **parameters)
    with pytest.raises(ValueError, match="k must be"):
        LSHMemory(6, 3).query(torch.ones(6), 4)
