"""Responses of neurons: products of weights with the batch that activates them.

Weights are read row by row. A row belongs to a neuron where neurons are selected, and to an
input where all neurons are computed; ``scale`` is the common factor of all weights (it carries
the weight decay).
"""

import numpy as np


# pythran export sum_rows(uint32[], uint32[], float32[], float32[:,:] order(C), float32, float32[:,:] order(C))
def sum_rows(indptr, indices, data, weights, scale, out):
    """Add to each sample's ``out`` the rows of its non-zero inputs: ``out += scale * X @ W``."""
    width = weights.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            x = scale * data[p]
            for j in range(width):
                out[s, j] += x * weights[i, j]


# pythran export dot_rows(uint32[], uint32[], uint32[], uint32[], float32[:,:] order(C), float32, float32[:,:] order(C), float32[])
def dot_rows(rows, starts, pairs, samples, weights, scale, inputs, out):
    """Add to the pairs, grouped by row, ``out[pair] += scale * weights[row] @ inputs[sample]``.

    Four samples at a time: their sums do not wait for each other, and share the row's loads.
    """
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


# pythran export dot_cells(uint32[], uint32[], uint32[], uint32[], float32[:,:] order(C), float32, uint32[], uint32[], float32[], float32[])
def dot_cells(rows, starts, pairs, samples, weights, scale, indptr, indices, data, out):
    """Like `dot_rows`, for sparse inputs: only the cells at a sample's non-zeros are read."""
    for k in range(rows.shape[0]):
        i = rows[k]
        for t in range(starts[k], starts[k + 1]):
            s = samples[t]
            total = np.float32(0)
            for p in range(indptr[s], indptr[s + 1]):
                total += weights[i, indices[p]] * data[p]
            out[pairs[t]] += scale * total
