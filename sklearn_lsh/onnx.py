"""Converters of the networks for skl2onnx, which importing this module registers.

Then ``skl2onnx.to_onnx`` takes `LSHMLPClassifier`, `LSHMLPRegressor` and pipelines that end with
one. ONNX has no hash tables, but it has ``TopK``: a network becomes what it is under
``predict_selection="topk"``, whatever that parameter is set to.

skl2onnx asks a converter for three functions, one after the other: a parser declares outputs, a
shape calculator types them, and only then nodes are added.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx import update_registered_converter

# By these a parser hands over to the usual one; converters of other packages do so, too.
from skl2onnx._parse import _parse_sklearn_classifier, _parse_sklearn_simple_model
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.estimators import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.targets import INACTIVE_PROBABILITY, BinaryTarget, MultiLabelTarget
from sklearn_lsh.network.losses import LOSSES

__all__: list[str] = []  # what is here is for skl2onnx to call

# ONNX's operators of activation functions, by scikit-learn's names.
OPERATORS = {
    "identity": "Identity",
    "tanh": "Tanh",
    "relu": "Relu",
    "softmax": "Softmax",
    "exp": "Exp",
}
# The first version of ONNX's operators that has ScatterElements.
LOWEST_OPSET = 11
# As for skl2onnx's other classifiers.
CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


class Graph:
    """The part of an ONNX graph that a converter adds: nodes, which are named by their results.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
        Knows which names are taken.
    container : skl2onnx.common._container.ModelComponentContainer
        Takes the nodes.
    """

    def __init__(self, scope, container):
        self.scope = scope
        self.container = container

    def constant(self, values) -> str:
        """Add an array of numbers or of strings."""
        name = self.scope.get_unique_variable_name("constant")
        if values.dtype.kind in "biuf":
            tensor = numpy_helper.from_array(np.ascontiguousarray(values))
            self.container.add_initializer(name, tensor.data_type, values.shape, tensor)
        else:
            texts = [str(text).encode() for text in values]
            self.container.add_initializer(name, TensorProto.STRING, values.shape, texts)
        return name

    def add(self, operator, *inputs, **attributes) -> str:
        """Add a node of a single result."""
        (result,) = self.add_many(operator, *inputs, n_results=1, **attributes)
        return result

    def add_many(self, operator, *inputs, n_results, **attributes) -> list[str]:
        """Add a node of several results."""
        results = [self.scope.get_unique_variable_name(operator) for _ in range(n_results)]
        self.container.add_node(operator, list(inputs), results, **attributes)
        return results

    def best(self, values, k) -> list[str]:
        """Add the search for the highest of each row: names of these, and of their columns."""
        return self.add_many("TopK", values, self.constant(np.array([k])), n_results=2, axis=1)

    def output(self, result, variable):
        """Let a result be one of the converter's outputs."""
        self.container.add_node("Identity", [result], [variable.full_name])


def parse(scope, model, inputs, custom_parsers=None):
    """Declare what becomes of a network, which gets its inputs as float32, as it computes."""
    check_is_fitted(model)
    cast = scope.declare_local_operator("SklearnCast")
    cast.inputs = inputs
    features = FloatTensorType([None, model.n_features_in_])
    cast.outputs.append(scope.declare_local_variable("features", features))
    declare = _parse_sklearn_classifier if is_classifier(model) else _parse_sklearn_simple_model
    return declare(scope, model, cast.outputs, custom_parsers=custom_parsers)


def add_activation(graph, name, values) -> str:
    """Add an activation function, by scikit-learn's name."""
    if name == "logistic":
        # Not `Sigmoid`: that of ONNX Runtime is 0 from -18 on, less than what is not active has.
        one = graph.constant(np.ones(1, np.float32))
        exponential = graph.add("Exp", graph.add("Neg", values))
        return graph.add("Div", one, graph.add("Add", one, exponential))
    attributes = {"axis": 1} if name == "softmax" else {}
    return graph.add(OPERATORS[name], values, **attributes)


def add_layer(graph, layer, inputs, activation, inactive) -> str:
    """Add a layer: all its neurons, or those that respond most and `inactive` for the others."""
    bias, coef = graph.constant(layer.weights.bias[0]), graph.constant(layer.weights.coef)
    preactivations = graph.add("Gemm", inputs, coef, bias)
    if layer.selection is None:
        return add_activation(graph, activation, preactivations)
    best, neurons = graph.best(preactivations, layer.selection.n_active)
    value = numpy_helper.from_array(np.array([inactive], np.float32))
    others = graph.add("ConstantOfShape", graph.add("Shape", preactivations), value=value)
    active = add_activation(graph, activation, best)
    return graph.add("ScatterElements", others, neurons, active, axis=1)


def add_network(graph, operator) -> str:
    """Add the network that an operator stands for."""
    if graph.container.target_opset < LOWEST_OPSET:
        raise ValueError(
            f"target_opset must be {LOWEST_OPSET} or more, got {graph.container.target_opset}."
        )
    estimator = operator.raw_operator
    network = estimator._network
    if estimator._blend is not None:
        raise ValueError(
            f"n_neighbors={estimator.n_neighbors!r}: the classifier asks training rows, which have "
            "no place in a graph. Fit it with n_neighbors=None."
        )
    # Estimators that hold others may come here without `parse`.
    values = graph.add("Cast", operator.inputs[0].full_name, to=TensorProto.FLOAT)
    *hidden, last = network.layers
    for layer in hidden:
        values = add_layer(graph, layer, values, network.activation, 0.0)
    loss = LOSSES[network.loss]
    inactive = INACTIVE_PROBABILITY if loss.probable else 0.0
    return add_layer(graph, last, values, loss.output_activation, inactive)


def type_regressor(operator):
    """Type the outputs of a regressor."""
    n_samples = operator.inputs[0].get_first_dimension()
    shape = [n_samples, operator.raw_operator.n_outputs_]
    operator.outputs[0].set_type(FloatTensorType(shape))


def convert_regressor(scope, operator, container):
    """Add a regressor."""
    graph = Graph(scope, container)
    graph.output(add_network(graph, operator), operator.outputs[0])


def read_classes(scope, classifier) -> np.ndarray:
    """Return the class labels as ONNX has them: as integers of 64 bits, or as strings."""
    classes = get_label_classes(scope, classifier)
    if classes.dtype.kind not in "biuf":
        return classes
    integers = classes.astype(np.int64)
    if not np.array_equal(integers, classes):
        raise ValueError(f"classes_ must be integers of 64 bits, or strings, got {classes}.")
    return integers


def type_classifier(operator):
    """Type the outputs of a classifier."""
    classifier, n_samples = operator.raw_operator, operator.inputs[0].get_first_dimension()
    classes = read_classes(operator.scope_inst, classifier)
    shape = [n_samples, len(classes)]
    are_numbers = classes.dtype.kind in "biuf"
    label_type = Int64TensorType if are_numbers else StringTensorType
    has_labels = isinstance(classifier._target, MultiLabelTarget)
    operator.outputs[0].set_type(label_type(shape if has_labels else shape[:1]))
    operator.outputs[1].set_type(FloatTensorType(shape))


def convert_classifier(scope, operator, container):
    """Add a classifier."""
    graph, classifier = Graph(scope, container), operator.raw_operator
    probabilities = add_network(graph, operator)
    if isinstance(classifier._target, MultiLabelTarget):
        labels = add_indicators(graph, probabilities, relative=classifier._target.loss == "softmax")
    else:
        classes = read_classes(scope, classifier)
        if isinstance(classifier._target, BinaryTarget):
            probabilities = add_both(graph, probabilities, len(classes))
        # Of equals the first one, as everywhere.
        likeliest = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
        labels = graph.add("Gather", graph.constant(classes), likeliest)
    graph.output(labels, operator.outputs[0])
    graph.output(probabilities, operator.outputs[1])


def add_both(graph, second, n_classes) -> str:
    """Add the probabilities of both classes, or of the only one: see `BinaryTarget`."""
    if n_classes == 1:
        one = numpy_helper.from_array(np.ones(1, np.float32))
        return graph.add("ConstantOfShape", graph.add("Shape", second), value=one)
    first = graph.add("Sub", graph.constant(np.ones(1, np.float32)), second)
    return graph.add("Concat", first, second, axis=1)


def add_indicators(graph, probabilities, *, relative) -> str:
    """Add labels that are likelier than not: see `likely_labels`."""
    bar = graph.constant(np.full(1, 0.5, np.float32))
    if relative:
        bar = graph.add("Mul", graph.best(probabilities, 1)[0], bar)
    return graph.add("Cast", graph.add("Greater", probabilities, bar), to=TensorProto.INT64)


update_registered_converter(
    LSHMLPClassifier,
    "SklearnLSHMLPClassifier",
    type_classifier,
    convert_classifier,
    parser=parse,
    options=CLASSIFIER_OPTIONS,
)
update_registered_converter(
    LSHMLPRegressor, "SklearnLSHMLPRegressor", type_regressor, convert_regressor, parser=parse
)
