"""Preactivations of neurons: products of weights with the batch that activates them.

Weights are read row by row. A row belongs to a neuron where neurons are selected, and to an
input where all neurons are computed; ``scale`` is the common factor of all weights (it carries
the weight decay).
"""

import numpy as np

from .grouping import group_by_column
from .ranking import keep_best


# pythran export csr_matmul((uint32[], uint32[], float32[], int), float32[:,:] order(C), float32, float32[:,:] order(C))
def csr_matmul(inputs, weights, scale, out):
    """Add the product of a CSR batch with weights: ``out += scale * inputs @ weights``."""
    indptr, indices, data, _ = inputs
    width = weights.shape[1]
    for s in range(indptr.shape[0] - 1):
        if width == 1:  # without the inner loop, which takes longer than what is in it
            total = np.float32(0)
            for p in range(indptr[s], indptr[s + 1]):
                total += data[p] * weights[indices[p], 0]
            out[s, 0] += scale * total
        else:
            for p in range(indptr[s], indptr[s + 1]):
                i = indices[p]
                x = scale * data[p]
                for j in range(width):
                    out[s, j] += x * weights[i, j]


# pythran export dot_rows((uint32[], uint32[], uint32[], uint32[]), float32[:,:] order(C), float32, float32[:,:] order(C), float32[])
def dot_rows(groups, weights, scale, inputs, out):
    """Add to the pairs, grouped by row, ``out[pair] += scale * weights[row] @ inputs[sample]``.

    Four samples at a time: their sums do not wait for each other, and share the row's loads.
    """
    rows, starts, pairs, samples = groups
    width = weights.shape[1]
    for k in range(rows.shape[0]):
        i = rows[k]
        t = int(starts[k])
        stop = int(starts[k + 1])
        while t + 4 <= stop:
            s0 = samples[t]
            s1 = samples[t + 1]
            s2 = samples[t + 2]
            s3 = samples[t + 3]
            total0 = np.float32(0)
            total1 = np.float32(0)
            total2 = np.float32(0)
            total3 = np.float32(0)
            for j in range(width):
                w = weights[i, j]
                total0 += w * inputs[s0, j]
                total1 += w * inputs[s1, j]
                total2 += w * inputs[s2, j]
                total3 += w * inputs[s3, j]
            out[pairs[t]] += scale * total0
            out[pairs[t + 1]] += scale * total1
            out[pairs[t + 2]] += scale * total2
            out[pairs[t + 3]] += scale * total3
            t += 4
        while t < stop:
            s0 = samples[t]
            total0 = np.float32(0)
            for j in range(width):
                total0 += weights[i, j] * inputs[s0, j]
            out[pairs[t]] += scale * total0
            t += 1


def dot_cells(groups, weights, scale, inputs, out):
    """Like `dot_rows`, for CSR inputs: only the cells at a sample's non-zeros are read."""
    rows, starts, pairs, samples = groups
    indptr, indices, data, _ = inputs
    for k in range(rows.shape[0]):
        i = rows[k]
        for t in range(starts[k], starts[k + 1]):
            s = samples[t]
            total = np.float32(0)
            for p in range(indptr[s], indptr[s + 1]):
                total += weights[i, indices[p]] * data[p]
            out[pairs[t]] += scale * total


# pythran export preactivate_rows((uint32[], uint32[]), (float32[:,:] order(C), float32[:,:] order(C), float32), float32[:,:] order(C), (uint32[], uint32[], uint32[], uint32[]), float32[])
def preactivate_rows(pattern, parameters, inputs, groups, out):
    """Compute the neurons of ragged lists: their biases and products with dense inputs.

    ``parameters`` are ``bias, weights, scale``. Fills ``groups`` as `group_by_column` does, and
    returns what it returns.
    """
    _, indices = pattern
    bias, weights, scale = parameters
    rows, starts, pairs, samples = groups
    n = group_by_column(pattern, bias.shape[1], groups)
    for p in range(indices.shape[0]):
        out[p] = bias[0, indices[p]]
    dot_rows((rows[:n], starts, pairs, samples), weights, scale, inputs, out)
    return n


# pythran export preactivate_cells((uint32[], uint32[]), (float32[:,:] order(C), float32[:,:] order(C), float32), (uint32[], uint32[], float32[], int), (uint32[], uint32[], uint32[], uint32[]), float32[])
def preactivate_cells(pattern, parameters, inputs, groups, out):
    """Like `preactivate_rows`, for CSR inputs."""
    _, indices = pattern
    bias, weights, scale = parameters
    rows, starts, pairs, samples = groups
    n = group_by_column(pattern, bias.shape[1], groups)
    for p in range(indices.shape[0]):
        out[p] = bias[0, indices[p]]
    dot_cells((rows[:n], starts, pairs, samples), weights, scale, inputs, out)
    return n


def make_groups(n_pairs, n_columns):
    """Arrays for the groups of so many pairs."""
    most = min(n_pairs, n_columns)
    return (
        np.empty(most, np.uint32),
        np.empty(most + 1, np.uint32),
        np.empty(n_pairs, np.uint32),
        np.empty(n_pairs, np.uint32),
    )


# pythran export best_rows((uint32[], uint32[]), int, (float32[:,:] order(C), float32[:,:] order(C), float32), float32[:,:] order(C), (uint32[], uint32[], float32[]))
def best_rows(pattern, n_best, parameters, inputs, best):
    """Of ragged lists of neurons keep the ``n_best`` that respond most to dense inputs.

    Fills ``best`` as `keep_best` does, and returns what it returns.
    """
    _, indices = pattern
    bias, _, _ = parameters
    groups = make_groups(indices.shape[0], bias.shape[1])
    preactivations = np.empty(indices.shape[0], np.float32)
    preactivate_rows(pattern, parameters, inputs, groups, preactivations)
    return keep_best(pattern, preactivations, n_best, best)


# pythran export best_cells((uint32[], uint32[]), int, (float32[:,:] order(C), float32[:,:] order(C), float32), (uint32[], uint32[], float32[], int), (uint32[], uint32[], float32[]))
def best_cells(pattern, n_best, parameters, inputs, best):
    """Like `best_rows`, for CSR inputs."""
    _, indices = pattern
    bias, _, _ = parameters
    groups = make_groups(indices.shape[0], bias.shape[1])
    preactivations = np.empty(indices.shape[0], np.float32)
    preactivate_cells(pattern, parameters, inputs, groups, preactivations)
    return keep_best(pattern, preactivations, n_best, best)
