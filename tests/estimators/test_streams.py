"""Training block by block: as `fit` where that can be, and refused by name where not."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.streams import StreamMixin
from sklearn_lsh.streaming import ArrayBlocks, JoinedBlocks

X, Y = load_digits(return_X_y=True)
X = X[:600] / 16
Y = Y[:600]
WEIGHT = np.random.default_rng(0).integers(0, 3, 600).astype(float)
INDICATORS = np.eye(10, dtype=int)[Y] | np.eye(10, dtype=int)[(Y + X[:, 20].astype(int)) % 10]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**settings):
    return LSHMLPClassifier(**{"random_state": 0, "max_iter": 3, "n_neighbors": None, **settings})


def regressor(**settings):
    return LSHMLPRegressor(**{"random_state": 0, "max_iter": 3, **settings})


def assert_same(first, second):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(first, name), getattr(second, name), strict=True):
            np.testing.assert_array_equal(a, b)
    for name in ("loss_curve_", "validation_scores_", "t_", "n_iter_", "settings_"):
        assert getattr(first, name) == getattr(second, name)
    timeless = [
        [{key: row[key] for key in row if key != "rebuild_seconds"} for row in network.work_]
        for network in (first, second)
    ]
    assert timeless[0] == timeless[1]
    found = [network.predict(X[:50]) for network in (first, second)]
    if sp.issparse(found[0]):
        found = [labels.toarray() for labels in found]
    np.testing.assert_array_equal(*found)


CASES = {
    "dense": (classifier, X, Y, {}),
    "float32": (classifier, X.astype(np.float32), Y, {"early_stopping": False, "alpha": 0.1}),
    "sparse": (classifier, sp.csr_array(X), Y, {"batch_size": 64}),
    "strings": (classifier, X, Y.astype(str), {"solver": "sgd", "learning_rate": "adaptive"}),
    "two classes": (classifier, X, Y > 4, {"hidden_layer_sizes": (), "solver": "adagrad"}),
    "sketches": (classifier, X, Y, {"hidden_layer_sizes": (600,), "density": 0.05}),
    "tables": (classifier, X, Y, {"hidden_layer_sizes": (300,), "density": 0.02, "n_tables": 4}),
    "hashed outputs": (classifier, X, Y, {"hidden_layer_sizes": (20,), "output_density": 4}),
    "labels": (classifier, X, INDICATORS, {"output_density": 5}),
    "sparse labels": (
        classifier,
        sp.csr_array(X),
        sp.csr_array(INDICATORS),
        {"multilabel_loss": "softmax"},
    ),
    "weights of classes": (classifier, X, Y, {"class_weight": {3: 5.0, 7: 0}}),
    "in order": (classifier, X, Y, {"shuffle": False}),
    "regression": (regressor, X, X[:, 30], {}),
    "several targets": (regressor, X, X[:, 30:33], {"loss": "poisson"}),
}


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("case", CASES)
def test_one_block_gives_the_same_bits_as_fit(case, weight):
    make, data, y, settings = CASES[case]
    fitted = make(**settings).fit(data, y, weight)
    assert_same(fitted, make(**settings).fit_batches(ArrayBlocks(data, y, weight)))


@pytest.mark.parametrize("case", ["dense", "sparse", "tables", "sparse labels", "regression"])
def test_so_do_blocks_that_are_shuffled_together(case):
    make, data, y, settings = CASES[case]
    source = ArrayBlocks(data, y, WEIGHT, block_size=100)
    assert_same(make(**settings).fit(data, y, WEIGHT), make(**settings).fit_batches(source))


@pytest.mark.parametrize("case", CASES)
def test_many_blocks_are_learnt_from_as_well(case):
    make, data, y, settings = CASES[case]
    settings = {**settings, "max_iter": 12}
    source = ArrayBlocks(data, y, block_size=40)
    network = make(**settings).fit_batches(source, shuffle_blocks=3)
    assert network.t_ == 600 * network.n_iter_ or "weights" in case
    scores = [each.score(data, y) for each in (network, make(**settings).fit(data, y))]
    assert scores[0] > scores[1] - 0.1
    assert_same(network, make(**settings).fit_batches(source, shuffle_blocks=3))


def test_each_epoch_sees_each_row_once():
    seen = []

    class Watching(ArrayBlocks):
        def read(self, number):
            seen.append(number)
            return super().read(number)

    network = classifier(max_iter=4, tol=0).fit_batches(
        Watching(X, Y, block_size=50), shuffle_blocks=4, classes=np.arange(10)
    )
    assert network.t_ == 4 * 600
    assert sorted(seen) == sorted([0] + 4 * list(range(12)))  # the first one to look at it


def test_a_file_that_is_sorted_by_labels_does_as_well():
    order = np.argsort(Y, kind="stable")
    scores = []
    for rows in (order, np.random.default_rng(0).permutation(600)):
        source = ArrayBlocks(X[rows], Y[rows], block_size=25)
        settings = {"max_iter": 15, "learning_rate_init": 0.01, "batch_size": 20}
        network = classifier(**settings).fit_batches(source, shuffle_blocks=8)
        scores.append(network.score(X, Y))
    assert scores[0] > scores[1] - 0.02
    assert scores[1] > 0.95


def test_classes_come_from_the_source_or_from_a_pass():
    order = np.argsort(Y)
    whole = ArrayBlocks(X[order], Y[order], block_size=60)
    passed = JoinedBlocks([whole])  # has no classes of its own
    for source, classes in [(whole, None), (passed, None), (whole, np.arange(10))]:
        network = classifier(max_iter=1).fit_batches(source, classes=classes)
        assert network.classes_.tolist() == list(range(10))
    more = classifier(max_iter=1).fit_batches(whole, classes=range(12))
    assert more.classes_.tolist() == list(range(12))


def test_what_are_no_classes_is_named():
    with pytest.raises(ValueError, match=r"^Block 0 of ArrayBlocks\(.*Unknown label type"):
        classifier().fit_batches(ArrayBlocks(X, Y + 0.5))


def test_a_pass_for_classes_names_the_block_it_cannot_read():
    parts = [ArrayBlocks(X, Y), Failing(X, Y, block_size=50)]
    parts[1].wrong = [(1, INDICATORS[:50])]
    with pytest.raises(ValueError, match=r"^Block 6 of JoinedBlocks\(.*\): y should be a 1d array"):
        classifier().fit_batches(JoinedBlocks(parts))


def test_classes_that_were_named_are_all():
    network = classifier(max_iter=1).fit_batches(ArrayBlocks(X, Y), classes=range(10))
    with pytest.raises(ValueError, match="classes not in"):
        network.partial_fit(X[:2], [10, 11])
    network = classifier(max_iter=1).fit_batches(ArrayBlocks(X, Y))
    assert 11 in network.partial_fit(X[:2], [10, 11]).classes_


def test_early_stopping_by_a_source():
    validation = ArrayBlocks(X[:100], Y[:100], WEIGHT[:100], block_size=30)
    settings = {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 2, "tol": 0.01}
    network = classifier(**settings).fit_batches(ArrayBlocks(X, Y), validation=validation)
    fitted = classifier(**settings).fit(
        X, Y, X_val=X[:100], y_val=Y[:100], sample_weight_val=WEIGHT[:100]
    )
    assert_same(network, fitted)
    assert network.n_iter_ < 30
    network = classifier().fit_batches(ArrayBlocks(X, Y), validation=validation)
    assert len(network.validation_scores_) == 3


def test_a_warm_start_goes_on():
    settings = {"warm_start": True, "learning_rate": "constant"}
    source = ArrayBlocks(X, Y)
    first, second = classifier(**settings).fit(X, Y), classifier(**settings).fit(X, Y)
    assert_same(first.fit(X, Y), second.fit_batches(source))
    assert len(second.loss_curve_) == 6


def test_epochs_may_be_given():
    network = classifier(tol=0).fit_batches(ArrayBlocks(X, Y), n_epochs=5)
    assert network.n_iter_ == 5
    assert_same(network, classifier(max_iter=5, tol=0).fit(X, Y))


def test_callbacks_hear_of_epochs(capsys):
    network = classifier().set_callbacks(ProgressBar())
    assert network.fit_batches(ArrayBlocks(X, Y, block_size=50)).n_iter_ == 3


def test_progress_is_printed(capsys, monkeypatch):
    monkeypatch.setattr("sklearn_lsh.estimators.progress.StreamProgress.SECONDS", 0)
    classifier(verbose=True).fit_batches(ArrayBlocks(X, Y, block_size=50), shuffle_blocks=2)
    printed = capsys.readouterr().out
    for part in ("Epoch 1: ", "Epoch 3: ", "samples/s", "non-zeros/s", "left", "Iteration 3"):
        assert part in printed
    classifier().fit_batches(ArrayBlocks(X, Y, block_size=50), shuffle_blocks=2)
    assert capsys.readouterr().out == ""


def test_blocks_without_rows_or_weights_are_passed_over():
    zeros = np.zeros(300)
    empty = ArrayBlocks(X[:1], Y[:1], [0.0])
    empty.read = lambda number: (X[:0], Y[:0])
    parts = [empty, ArrayBlocks(X[:300], Y[:300], zeros), ArrayBlocks(X[300:], Y[300:]), empty]
    for window in (1, 2, 9):
        source = JoinedBlocks(parts)
        network = classifier(tol=0).fit_batches(source, shuffle_blocks=window)
        assert network.t_ == 3 * 300
    with pytest.raises(ValueError, match="No block has a row that counts"):
        classifier().fit_batches(JoinedBlocks(parts[:1]))
    with pytest.raises(ValueError, match="No block has a row that counts"):
        classifier().fit_batches(JoinedBlocks(parts[:2]))


class Failing(ArrayBlocks):
    """Has something wrong in block 5."""

    wrong = ()

    def read(self, number):
        block = list(super().read(number))
        for place, value in self.wrong if number == 5 else ():
            block[place] = value
        return tuple(block)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([(0, X[:50, :3])], r"X has 3 features, but .* is expecting 64"),
        ([(1, np.full(50, 77))], r"`y` has classes not in .* \[77\]"),
        ([(1, Y[:3])], "inconsistent numbers of samples"),
        ([(0, np.full((50, 64), np.nan))], "Input X contains NaN"),
        ([(2, np.full(50, -1.0))], "Negative values in data passed to `sample_weight`"),
    ],
)
def test_errors_name_the_block_and_lose_nothing(wrong, message):
    source = Failing(X, Y, np.ones(600), block_size=50)
    source.wrong = wrong
    network = classifier()
    with pytest.raises(ValueError, match=rf"Block 5 of Failing\(600 rows\): .*{message}"):
        network.fit_batches(source, shuffle_blocks=2, classes=np.arange(10))
    assert not network.__sklearn_is_fitted__()
    network.fit(X, Y)
    with pytest.raises(ValueError, match="Block 5"):
        network.fit_batches(source, shuffle_blocks=2, classes=np.arange(10))
    assert_same(network, classifier().fit(X, Y))


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        ({"early_stopping": True}, {}, "give validation="),
        ({"class_weight": "balanced"}, {}, "class_weight='balanced' is not supported"),
        ({"n_neighbors": 5}, {}, "n_neighbors=5 is not supported"),
        ({}, {"n_epochs": 0}, "n_epochs must be an integer >= 1, got 0"),
        ({}, {"shuffle_blocks": 2.5}, "shuffle_blocks must be an integer >= 1"),
        ({}, {"classes": []}, "classes must be a list of one class or more"),
        ({}, {"checkpoint_every": "soon"}, "checkpoint_every must be"),
    ],
)
def test_what_is_refused(settings, given, message):
    with pytest.raises(ValueError, match=message):
        classifier(**settings).fit_batches(ArrayBlocks(X, Y), **given)


def test_regressors_have_no_classes():
    with pytest.raises(ValueError, match="classes has no meaning for a regressor"):
        regressor().fit_batches(ArrayBlocks(X, X[:, 0]), classes=[1, 2])
    assert issubclass(LSHMLPRegressor, StreamMixin)


def test_a_source_must_say_how_wide_it_is():
    source = ArrayBlocks(X, Y)
    source.n_features = 7
    with pytest.raises(ValueError, match=r"Block 0 .* X has 64 columns, but n_features=7"):
        classifier().fit_batches(source)
    with pytest.raises(TypeError, match="source must be a source of blocks"):
        classifier().fit_batches(X)


def test_epochs_that_are_used_up_are_warned_of():
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        classifier(learning_rate="constant").fit_batches(ArrayBlocks(X, Y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier(learning_rate="linear").fit_batches(ArrayBlocks(X, Y))


def test_several_threads():
    network = classifier(n_jobs=2, max_iter=15)
    network.fit_batches(ArrayBlocks(X, Y, block_size=50), shuffle_blocks=4)
    assert network.score(X, Y) > 0.9


def test_predictions_of_blocks():
    source = ArrayBlocks(X, Y, block_size=70)
    network = classifier().fit(X, Y)
    found = list(network.predict_batches(source))
    assert [len(part) for part in found] == [70] * 8 + [40]
    np.testing.assert_array_equal(np.concatenate(found), network.predict(X))
    labels, scores = zip(*network.predict_batches(source, k=3), strict=True)
    expected = network.predict_top_k(X, 3)
    np.testing.assert_array_equal(np.concatenate(labels), expected[0])
    np.testing.assert_allclose(np.concatenate(scores), expected[1], rtol=1e-6)


def test_blocks_to_predict_may_have_no_labels():
    source = ArrayBlocks(X, Y, block_size=70)
    source.read = lambda number: X[70 * number : 70 * number + 70]
    network = regressor().fit(X, X[:, 30])
    found = np.concatenate(list(network.predict_batches(source)))
    np.testing.assert_allclose(found, network.predict(X), rtol=1e-5, atol=1e-6)


def test_predictions_that_are_refused():
    source = ArrayBlocks(X, Y)
    with pytest.raises(NotFittedError):
        classifier().predict_batches(source)
    network = regressor().fit(X, X[:, 30])
    with pytest.raises(ValueError, match="k=3 has no meaning for a regressor"):
        network.predict_batches(source, k=3)
    with pytest.raises(TypeError, match="source must be a source"):
        network.predict_batches(X)
    wrong = ArrayBlocks(X, Y, block_size=300)
    wrong.read = lambda number: (X if number == 0 else X[:, :3], Y)
    with pytest.raises(ValueError, match=r"Block 1 of .* X has 3 features"):
        list(network.predict_batches(wrong))


def test_hashed_outputs_start_at_centroids_of_blocks_beyond_the_window():
    by_label = np.argsort(Y, kind="stable")
    source = ArrayBlocks(X[by_label], Y[by_label], block_size=60)
    network = classifier(output_density=3, learning_rate_init=1e-9, n_neighbors=None)
    network.fit_batches(source, n_epochs=1, shuffle_blocks=1)
    lengths = np.linalg.norm(network.coefs_[-1], axis=0)
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=1e-3)  # unseen classes have none
    assert network.score(X, Y) > 0.6


def generator(source, fails_at=None):
    """Blocks of a source, which come once."""
    for number, block in enumerate(source):
        if number == fails_at:
            raise ValueError("the line is dead")
        yield block


@pytest.mark.parametrize("case", ["dense", "sparse", "tables", "regression", "two classes"])
def test_a_generator_that_fits_into_the_window_gives_the_same_bits_as_fit(case):
    make, data, y, settings = CASES[case]
    settings = {**settings, "max_iter": 1}
    source = ArrayBlocks(data, y, WEIGHT, block_size=100)
    classes = np.unique(y) if make is classifier else None
    network = make(**settings).fit_batches(generator(source), classes=classes)
    assert_same(network, make(**settings).fit(data, y, WEIGHT))


@pytest.mark.parametrize("case", CASES)
def test_a_generator_serves_for_an_epoch(case):
    make, data, y, settings = CASES[case]
    source = JoinedBlocks([ArrayBlocks(data, y, block_size=40)] * 9)
    settings = {**settings, "learning_rate_init": 0.01, "batch_size": 20}
    classes = np.unique(y) if make is classifier and y.ndim == 1 else None
    given = {"classes": classes, "shuffle_blocks": 3}
    network = make(**settings).fit_batches(generator(source), **given)
    assert network.n_iter_ == 1
    assert network.t_ == 9 * 600 or "weights" in case
    shuffled = make(**settings).fit_batches(source, n_epochs=1, **given)
    assert network.score(data, y) > shuffled.score(data, y) - 0.2
    assert_same(network, make(**settings).fit_batches(generator(source), **given))


def test_a_generator_says_what_takes_blocks_that_can_be_read_again(tmp_path):
    source = ArrayBlocks(X, Y, block_size=20)
    for given, message in [
        ({"n_epochs": 2}, r"n_epochs=2 needs a source of which blocks can be read again"),
        ({"checkpoint": tmp_path / "new"}, r"checkpoint=.*new.* needs a source"),
        ({"classes": None}, "classes must be given: blocks that come only once"),
        ({"n_epochs": 0}, "n_epochs must be an integer"),
    ]:
        network = classifier()
        with pytest.raises(ValueError, match=message):
            network.fit_batches(generator(source), **{"classes": range(10), **given})
        assert not network.__sklearn_is_fitted__()
    assert list(tmp_path.iterdir()) == []
    fitted = classifier(warm_start=True).fit(X, Y)  # which knows the classes
    assert fitted.fit_batches(generator(source)).t_ == 4 * 600
    regressor().fit_batches(generator(ArrayBlocks(X, X[:, 0], block_size=20)))


def test_a_schedule_that_needs_a_length_asks_for_it():
    blocks = list(ArrayBlocks(X, Y, block_size=20))
    network = classifier(learning_rate="linear")
    with pytest.raises(ValueError, match="needs to know how many blocks will come"):
        network.fit_batches(iter(generator(blocks)), classes=range(10))
    network.fit_batches(blocks, classes=range(10), shuffle_blocks=4)
    assert network._network.optimizer.learning_rate == 0
    sparse = [(sp.csr_array(data), y) for data, y in blocks]
    for given, schedule in [(sparse, "linear"), (generator(sparse), "constant")]:
        network = classifier(max_iter="auto").fit_batches(
            given, classes=range(10), shuffle_blocks=4
        )
        assert network.settings_["learning_rate"] == schedule


def test_errors_of_a_generator_name_the_block_and_lose_nothing():
    source = ArrayBlocks(X, Y, block_size=20)
    given = {"classes": range(10), "shuffle_blocks": 2}
    narrow = [(data[:, :9] if k == 7 else data, y) for k, (data, y) in enumerate(source)]
    network = classifier().fit(X, Y)
    for blocks, kind, message in [
        (
            generator(source, fails_at=7),
            ValueError,
            r"Block 7 of generator\(generator\): the line is",
        ),
        (
            generator(source, fails_at=1),
            ValueError,
            r"Block 1 of generator\(generator\): the line is",
        ),
        (generator([]), ValueError, "source is empty: generator"),
        (generator(narrow), ValueError, r"Block 7 .*: X has 9 features"),
        (generator([X, X]), TypeError, r"Block 0 .*: a block must be \(X, y\)"),
        ([], ValueError, r"source is empty: list\(\) has no blocks"),
        (generator([(X[:0], Y[:0])]), ValueError, "No block has a row that counts"),
    ]:
        with pytest.raises(kind, match=message):
            network.fit_batches(blocks, **given)
    assert_same(network, classifier().fit(X, Y))


def test_progress_of_a_generator_has_no_end_in_sight(capsys, monkeypatch):
    monkeypatch.setattr("sklearn_lsh.estimators.progress.StreamProgress.SECONDS", 0)
    blocks = generator(ArrayBlocks(X, Y, block_size=50))
    classifier(verbose=True).fit_batches(blocks, classes=range(10), shuffle_blocks=2)
    printed = capsys.readouterr().out
    assert "Epoch 1: loss = " in printed
    assert " left" not in printed


def test_predictions_for_what_comes_once():
    source = ArrayBlocks(X, Y, block_size=70)
    network = classifier().fit(X, Y)
    for blocks in (generator(source), (data for data, _ in source)):
        found = list(network.predict_batches(blocks))
        assert [len(part) for part in found] == [70] * 8 + [40]
        np.testing.assert_array_equal(np.concatenate(found), network.predict(X))
    with pytest.raises(ValueError, match=r"Block 3 of generator\(generator\): the line is dead"):
        list(network.predict_batches(generator(source, fails_at=3)))
    with pytest.raises(ValueError, match="source is empty"):
        network.predict_batches(generator([]))
