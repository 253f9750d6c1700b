"""What a PyTorch layer takes over from a file, and what it refuses."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch")

from sklearn_lsh.torch import LSHSoftmaxLoss  # noqa: E402
from sklearn_lsh.torch.state import check_extra_state, extra_state  # noqa: E402


def trained(seed=0):
    layer = LSHSoftmaxLoss(8, 300, n_active=40, n_tables=5, n_bits=7, seed=seed)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(60, 8, generator=generator)
    labels = torch.arange(60) * 5
    optimizer = torch.optim.SparseAdam(layer.parameters(), lr=0.1)
    for _ in range(3):
        train(layer, optimizer, hidden, labels)
    return layer, optimizer, hidden, labels


def train(layer, optimizer, hidden, labels):
    optimizer.zero_grad()
    layer(hidden, labels).backward()
    optimizer.step()


def tensors_with(tensor):
    """The same tensor in wrong forms."""
    yield None
    yield tensor[:-1]
    yield torch.cat([tensor, tensor[-1:]])
    yield tensor.to(torch.float32)
    if tensor.dtype != torch.bool:
        yield torch.full_like(tensor, -1)  # the highest, where the bits are unsigned ones
        yield torch.full_like(tensor, torch.iinfo(tensor.dtype).max)


def wrong_states(state):
    """Extra states in which one thing is wrong."""
    tables = state["tables"]
    values = {"seed": [-1, 2**32, "1", None], "unit": [0.0, float("nan"), "1"]}
    values |= {"schedule": [(1, 2.0), (-1, 2.0, None), (1, None, None), 3], "n_drawn": [-1, 2**70]}
    values |= {"tables": [None, {}]}
    for name, wrong in values.items():
        for value in wrong:
            yield name, {**state, name: value}
    yield "missing", {name: value for name, value in state.items() if name != "seed"}
    for name in ("codes", "is_blank", "counts"):
        for value in tensors_with(tables[name]):
            if name != "counts" or value is None or (value < 0).any() or value.shape != (300,):
                yield name, {**state, "tables": {**tables, name: value}}
    indptr, members = tables["built"]
    for value in tensors_with(indptr):
        yield "indptr", {**state, "tables": {**tables, "built": (value, members)}}
    for value in tensors_with(members):
        yield "members", {**state, "tables": {**tables, "built": (indptr, value)}}


def test_wrong_states_are_refused_and_change_nothing():
    layer, *_, hidden, _ = trained()
    good = copy.deepcopy(layer.state_dict())
    expected = layer.top_k(hidden, 3)
    check_extra_state(layer, extra_state(layer))
    n_wrong = 0
    for _, wrong in wrong_states(good["_extra_state"]):
        with pytest.raises(ValueError, match="must be"):
            layer.set_extra_state(wrong)
        n_wrong += 1
        found = layer.top_k(hidden, 3)
        assert torch.equal(found.classes, expected.classes)
    assert n_wrong > 30
    layer.load_state_dict(good)


@pytest.mark.parametrize("through", ["pickle", "file", "deepcopy"])
def test_whole_modules_go_on(through):
    layer, _, hidden, labels = trained()
    if through == "pickle":
        twin = pickle.loads(pickle.dumps(layer))
    elif through == "deepcopy":
        twin = copy.deepcopy(layer)
    else:
        file = io.BytesIO()
        torch.save(layer, file)
        file.seek(0)
        twin = torch.load(file, weights_only=False)
    for each in (layer, twin):
        train(each, torch.optim.SparseAdam(each.parameters(), lr=0.1), hidden, labels)
    assert torch.equal(twin.weight, layer.weight)
    assert torch.equal(twin.top_k(hidden, 3).classes, layer.top_k(hidden, 3).classes)


@pytest.mark.parametrize(
    "name", ["_n_steps", "_unit", "n_hashed", "n_drawn", "n_classes", "in_features"]
)
def test_wrong_modules_are_refused(name):
    layer, *_ = trained()
    setattr(layer, name, -1)
    with pytest.raises(ValueError, match=f"LSHSoftmaxLoss.{name} must be"):
        pickle.loads(pickle.dumps(layer))
    layer, *_ = trained()
    layer._tables.codes[0, 0] = 128
    with pytest.raises(ValueError, match=r"tables\.codes must be"):
        pickle.loads(pickle.dumps(layer))


WRONG_PARTS = {
    "reduction": "median",
    "label_smoothing": 7.0,
    "ignore_index": "x",
    "bias": torch.nn.Parameter(torch.zeros(299, 1)),
    "weight": torch.nn.Parameter(torch.zeros(300, 7)),
    "mean": torch.zeros(9),
}


@pytest.mark.parametrize("name", WRONG_PARTS)
def test_modules_with_wrong_settings_and_shapes_are_refused(name):
    layer, *_ = trained()
    setattr(layer, name, WRONG_PARTS[name])
    with pytest.raises(ValueError, match=f"{name}.* must be a"):
        pickle.loads(pickle.dumps(layer))


@pytest.mark.parametrize("wrong", [torch.full((300,), -1.0), torch.full((300,), torch.nan)])
def test_wrong_weights_of_classes_are_refused(wrong):
    """With whole modules, and by `load_state_dict` of a model, which then is as it was."""
    layer = LSHSoftmaxLoss(8, 300, class_weight=torch.ones(300), seed=0)
    model = torch.nn.Sequential(layer)
    before = copy.deepcopy(model.state_dict())
    changed = {name: part for name, part in before.items() if name != "0._extra_state"}
    changed = {name: part + 1 for name, part in changed.items()} | {"0.class_weight": wrong}
    with pytest.raises(ValueError, match="class_weight must hold finite"):
        model.load_state_dict({**before, **changed})
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    for each in (wrong, torch.ones(7)):
        layer.class_weight = each
        with pytest.raises(ValueError, match="class_weight must"):
            pickle.loads(pickle.dumps(layer))


def test_modules_without_a_bias_are_taken_over():
    layer = LSHSoftmaxLoss(8, 300, bias=False, seed=0)
    assert torch.equal(pickle.loads(pickle.dumps(layer)).weight, layer.weight)
