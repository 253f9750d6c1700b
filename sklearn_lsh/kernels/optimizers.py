"""Backward visits: a row's gradient is summed over its samples and stepped on at once.

A visit reads a row of weights and its optimizer state once, adds the row's part to the gradient of
the inputs (through the weights that the forward pass used; an ``input_gradient`` without rows is
not wanted) and then changes the row. Rows, and for sparse inputs cells, that have no gradient are
not touched: the optimizers are lazy. All return how many cells they stepped on; visits of rows and
cells also how many products of deltas and inputs a gradient took.

The helpers work on whole rows because Pythran counts references at every call of a function
that takes arrays: called for each cell they cost more than their arithmetic.
"""

import numpy as np

# Moments of smaller magnitude are cut to zero: they would decay into float32's subnormal numbers,
# which are slow and begin at 1.2e-38.
TINY = np.float32(1e-30)


# One step on the first ``width`` cells of row ``i``, for each optimizer. The coefficients are those
# of its class in `sklearn_lsh.network.optimizers`.


def adam(weights, state, i, width, gradient, coefficients):
    rate, mean_share, g_share, mean_decay, mean_gain, square_decay, square_gain, epsilon = (
        coefficients
    )
    for j in range(width):
        g = gradient[j]
        mean = mean_decay * state[0, i, j] + mean_gain * g
        mean = mean if abs(mean) > TINY else np.float32(0)
        square = square_decay * state[1, i, j] + square_gain * g * g
        state[0, i, j] = mean
        state[1, i, j] = square
        direction = mean_share * mean + g_share * g
        weights[i, j] -= rate * direction / (np.sqrt(square) + epsilon)


def adagrad(weights, state, i, width, gradient, coefficients):
    rate, epsilon = coefficients
    for j in range(width):
        g = gradient[j]
        square = state[0, i, j] + g * g
        state[0, i, j] = square
        weights[i, j] -= rate * g / (np.sqrt(square) + epsilon)


def rowwise_adagrad(weights, state, i, width, gradient, coefficients):
    rate, epsilon = coefficients
    squares = np.float32(0)
    for j in range(width):
        squares += gradient[j] * gradient[j]
    square = state[0, i, 0] + squares / np.float32(max(width, 1))
    state[0, i, 0] = square
    step = rate / (np.sqrt(square) + epsilon)
    for j in range(width):
        weights[i, j] -= step * gradient[j]


def sgd(weights, state, i, width, gradient, coefficients):
    rate, momentum, gain, velocity_share, gradient_share = coefficients
    for j in range(width):
        g = gradient[j]
        velocity = momentum * state[0, i, j] + gain * g
        velocity = velocity if abs(velocity) > TINY else np.float32(0)
        state[0, i, j] = velocity
        weights[i, j] -= rate * (velocity_share * velocity + gradient_share * g)


def make_packed(state, width):
    """Arrays for cells of one row and their state: ``weights, state``."""
    return np.empty((1, width), np.float32), np.empty((state.shape[0], 1, width), np.float32)


def step_touched(step, i, touched, gradient, n, parameters, packed, coefficients):
    """Step on the ``n`` touched cells of row ``i``, packed so that the step is vectorised.

    ``parameters`` and ``packed`` are ``weights, state``; ``gradient`` is packed already. State is of
    the cells, or one number of the whole row.
    """
    weights, state = parameters
    packed_weights, packed_state = packed
    n_states, _, n_cells = state.shape
    for c in range(n):
        packed_weights[0, c] = weights[i, touched[c]]
    for m in range(n_states):
        for c in range(min(n, n_cells)):
            packed_state[m, 0, c] = state[m, i, touched[c] if n_cells > 1 else 0]
    step(packed_weights, packed_state, 0, n, gradient, coefficients)
    for c in range(n):
        weights[i, touched[c]] = packed_weights[0, c]
    for m in range(n_states):
        for c in range(min(n, n_cells)):
            state[m, i, touched[c] if n_cells > 1 else 0] = packed_state[m, 0, c]


def step_dense(step, gradient, weights, state, coefficients):
    for i in range(weights.shape[0]):
        step(weights, state, i, weights.shape[1], gradient[i], coefficients)
    return weights.shape[0] * weights.shape[1]


def step_bias(step, groups, deltas, bias, state, coefficients):
    rows, starts, pairs, _ = groups
    n_rows = rows.shape[0]
    touched = np.empty(n_rows, np.uint32)
    gradient = np.empty(n_rows, np.float32)
    n = 0
    for k in range(n_rows):
        total = np.float32(0)
        for t in range(starts[k], starts[k + 1]):
            total += deltas[pairs[t]]
        if total != 0:
            touched[n] = rows[k]
            gradient[n] = total
            n += 1
    packed = make_packed(state, n_rows)
    step_touched(step, 0, touched, gradient, n, (bias, state), packed, coefficients)
    return n


def sum_gradient(n, active, active_deltas, inputs, gradient):
    """Sum the products of ``n`` samples' inputs and deltas: the gradient of a row of weights.

    Four at a time, to load and store the gradient less often.
    """
    width = gradient.shape[0]
    gradient[:] = np.float32(0)
    a = 0
    while a + 4 <= n:
        d0 = active_deltas[a]
        d1 = active_deltas[a + 1]
        d2 = active_deltas[a + 2]
        d3 = active_deltas[a + 3]
        s0 = active[a]
        s1 = active[a + 1]
        s2 = active[a + 2]
        s3 = active[a + 3]
        for j in range(width):
            gradient[j] += (
                d0 * inputs[s0, j] + d1 * inputs[s1, j] + d2 * inputs[s2, j] + d3 * inputs[s3, j]
            )
        a += 4
    while a < n:
        d0 = active_deltas[a]
        s0 = active[a]
        for j in range(width):
            gradient[j] += d0 * inputs[s0, j]
        a += 1


def step_rows(step, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    rows, starts, pairs, samples = groups
    width = weights.shape[1]
    gradient = np.empty(width, np.float32)
    active = np.empty(inputs.shape[0] + 1, np.uint32)  # samples with a delta, and the deltas
    active_deltas = np.empty(inputs.shape[0] + 1, np.float32)
    passes_down = input_gradient.shape[0] > 0
    n_stepped = 0
    n_products = 0
    for k in range(rows.shape[0]):
        i = rows[k]
        n = 0
        for t in range(starts[k], starts[k + 1]):
            active[n] = samples[t]
            active_deltas[n] = deltas[pairs[t]]
            n += 1 if active_deltas[n] != 0 else 0
        if n > 0:
            sum_gradient(n, active, active_deltas, inputs, gradient)
            if passes_down:
                for a in range(n):
                    share = scale * active_deltas[a]
                    s0 = active[a]
                    for j in range(width):
                        input_gradient[s0, j] += share * weights[i, j]
            step(weights, state, i, width, gradient, coefficients)
            n_stepped += width
            n_products += n * width
    return n_stepped, n_products


def step_cells(step, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    rows, starts, pairs, samples = groups
    indptr, indices, data, _ = inputs
    width = weights.shape[1]
    gradient = np.zeros(width, np.float32)
    touched = np.empty(width + 1, np.uint32)
    is_touched = np.zeros(width, np.uint8)
    packed = make_packed(state, width)
    packed_gradient = np.empty(width, np.float32)
    passes_down = input_gradient.shape[0] > 0
    n_stepped = 0
    n_products = 0
    for k in range(rows.shape[0]):
        i = rows[k]
        n = 0
        for t in range(starts[k], starts[k + 1]):
            delta = deltas[pairs[t]]
            if delta != 0:
                s = samples[t]
                n_products += int(indptr[s + 1] - indptr[s])
                # Whether a cell was touched before cannot be foretold, so nothing branches on it.
                for p in range(indptr[s], indptr[s + 1]):
                    j = indices[p]
                    touched[n] = j
                    n += 1 if is_touched[j] == 0 else 0
                    is_touched[j] = 1
                    gradient[j] += delta * data[p]
                if passes_down:
                    share = scale * delta
                    for p in range(indptr[s], indptr[s + 1]):
                        input_gradient[p] += share * weights[i, indices[p]]
        for c in range(n):
            j = touched[c]
            packed_gradient[c] = gradient[j]
            gradient[j] = np.float32(0)
            is_touched[j] = 0
        step_touched(step, i, touched, packed_gradient, n, (weights, state), packed, coefficients)
        n_stepped += n
    return n_stepped, n_products


# One exported entry for each optimizer and kind of visit; all else is shared.
# fmt: off


# pythran export step_dense_adam(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32, float32, float32, float32))
def step_dense_adam(gradient, weights, state, coefficients):
    return step_dense(adam, gradient, weights, state, coefficients)


# pythran export step_bias_adam((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32, float32, float32, float32))
def step_bias_adam(groups, deltas, bias, state, coefficients):
    return step_bias(adam, groups, deltas, bias, state, coefficients)


# pythran export step_rows_adam((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32, float32, float32, float32))
def step_rows_adam(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_rows(adam, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_cells_adam((uint32[], uint32[], uint32[], uint32[]), float32[], (uint32[], uint32[], float32[], int), float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32, float32, float32, float32))
def step_cells_adam(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_cells(adam, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_dense_adagrad(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_dense_adagrad(gradient, weights, state, coefficients):
    return step_dense(adagrad, gradient, weights, state, coefficients)


# pythran export step_bias_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_bias_adagrad(groups, deltas, bias, state, coefficients):
    return step_bias(adagrad, groups, deltas, bias, state, coefficients)


# pythran export step_rows_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_rows_adagrad(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_rows(adagrad, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_cells_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], (uint32[], uint32[], float32[], int), float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_cells_adagrad(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_cells(adagrad, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_dense_rowwise_adagrad(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_dense_rowwise_adagrad(gradient, weights, state, coefficients):
    return step_dense(rowwise_adagrad, gradient, weights, state, coefficients)


# pythran export step_bias_rowwise_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_bias_rowwise_adagrad(groups, deltas, bias, state, coefficients):
    return step_bias(adagrad, groups, deltas, bias, state, coefficients)


# pythran export step_rows_rowwise_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_rows_rowwise_adagrad(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_rows(rowwise_adagrad, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_cells_rowwise_adagrad((uint32[], uint32[], uint32[], uint32[]), float32[], (uint32[], uint32[], float32[], int), float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_cells_rowwise_adagrad(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_cells(rowwise_adagrad, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_dense_sgd(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32))
def step_dense_sgd(gradient, weights, state, coefficients):
    return step_dense(sgd, gradient, weights, state, coefficients)


# pythran export step_bias_sgd((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32))
def step_bias_sgd(groups, deltas, bias, state, coefficients):
    return step_bias(sgd, groups, deltas, bias, state, coefficients)


# pythran export step_rows_sgd((uint32[], uint32[], uint32[], uint32[]), float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32))
def step_rows_sgd(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_rows(sgd, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)


# pythran export step_cells_sgd((uint32[], uint32[], uint32[], uint32[]), float32[], (uint32[], uint32[], float32[], int), float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32))
def step_cells_sgd(groups, deltas, inputs, input_gradient, weights, state, scale, coefficients):
    return step_cells(sgd, groups, deltas, inputs, input_gradient, weights, state, scale, coefficients)

# fmt: on
