"""Backward visits: a row's gradient is summed over its samples and stepped on at once.

A visit reads a row of weights and its optimizer state once, passes the error down to the
inputs (through the weights that the forward pass used) and then changes the row. Rows, and
for sparse inputs cells, that have no gradient are not touched: the optimizers are lazy. All
return how many cells they stepped on; visits of rows and cells also how many products of errors
and inputs a gradient took.

The helpers work on whole rows because Pythran counts references at every call of a function
that takes arrays: called for each cell they cost more than their arithmetic.
"""

import numpy as np

# Moments below this are cut to zero: they would decay into subnormal numbers, which are slow.
TINY = np.float32(1e-30)


def adam(weights, state, i, width, gradient, rates):
    rate, mean_share, g_share, mean_decay, mean_gain, square_decay, square_gain, epsilon = rates
    for j in range(width):
        g = gradient[j]
        mean = mean_decay * state[0, i, j] + mean_gain * g
        mean = mean if abs(mean) > TINY else np.float32(0)
        square = square_decay * state[1, i, j] + square_gain * g * g
        state[0, i, j] = mean
        state[1, i, j] = square
        direction = mean_share * mean + g_share * g
        weights[i, j] -= rate * direction / (np.sqrt(square) + epsilon)


def adagrad(weights, state, i, width, gradient, rates):
    rate, epsilon = rates
    for j in range(width):
        g = gradient[j]
        square = state[0, i, j] + g * g
        state[0, i, j] = square
        weights[i, j] -= rate * g / (np.sqrt(square) + epsilon)


def rowwise_adagrad(weights, state, i, width, gradient, rates):
    rate, epsilon = rates
    squares = np.float32(0)
    for j in range(width):
        squares += gradient[j] * gradient[j]
    square = state[0, i, 0] + squares / np.float32(max(width, 1))
    state[0, i, 0] = square
    step = rate / (np.sqrt(square) + epsilon)
    for j in range(width):
        weights[i, j] -= step * gradient[j]


def sgd(weights, state, i, width, gradient, rates):
    rate, momentum, gain, velocity_share, gradient_share = rates
    for j in range(width):
        g = gradient[j]
        velocity = momentum * state[0, i, j] + gain * g
        velocity = velocity if abs(velocity) > TINY else np.float32(0)
        state[0, i, j] = velocity
        weights[i, j] -= rate * (velocity_share * velocity + gradient_share * g)


def step_touched(step, i, touched, n, gradient, weights, state, packed, packed_state, rates):
    """Step on the ``n`` touched cells of row ``i``, packed so that the step is vectorised.

    ``gradient`` is packed already. State is of the cells, or one number of the whole row.
    """
    n_states, _, n_cells = state.shape
    for c in range(n):
        packed[0, c] = weights[i, touched[c]]
    for m in range(n_states):
        for c in range(min(n, n_cells)):
            packed_state[m, 0, c] = state[m, i, touched[c] if n_cells > 1 else 0]
    step(packed, packed_state, 0, n, gradient, rates)
    for c in range(n):
        weights[i, touched[c]] = packed[0, c]
    for m in range(n_states):
        for c in range(min(n, n_cells)):
            state[m, i, touched[c] if n_cells > 1 else 0] = packed_state[m, 0, c]


def step_dense(step, gradient, weights, state, rates):
    for i in range(weights.shape[0]):
        step(weights, state, i, weights.shape[1], gradient[i], rates)
    return weights.shape[0] * weights.shape[1]


def step_bias(step, rows, starts, pairs, coefs, bias, state, rates):
    n_rows = rows.shape[0]
    touched = np.empty(n_rows, np.uint32)
    gradient = np.empty(n_rows, np.float32)
    n = 0
    for k in range(n_rows):
        total = np.float32(0)
        for t in range(starts[k], starts[k + 1]):
            total += coefs[pairs[t]]
        if total != 0:
            touched[n] = rows[k]
            gradient[n] = total
            n += 1
    packed = np.empty((1, n_rows), np.float32)
    packed_state = np.empty((state.shape[0], 1, n_rows), np.float32)
    step_touched(step, 0, touched, n, gradient, bias, state, packed, packed_state, rates)
    return n


def step_rows(
    step,
    rows,
    starts,
    pairs,
    samples,
    coefs,
    inputs,
    errors,
    weights,
    state,
    scale,
    rates,
):
    width = weights.shape[1]
    gradient = np.empty(width, np.float32)
    active = np.empty(inputs.shape[0] + 1, np.uint32)  # samples with an error, and the errors
    coef = np.empty(inputs.shape[0] + 1, np.float32)
    pass_errors = errors.shape[0] > 0
    n_stepped = 0
    n_products = 0
    for k in range(rows.shape[0]):
        i = rows[k]
        n = 0
        for t in range(starts[k], starts[k + 1]):
            active[n] = samples[t]
            coef[n] = coefs[pairs[t]]
            n += 1 if coef[n] != 0 else 0
        if n > 0:
            gradient[:] = np.float32(0)
            a = 0
            while a + 4 <= n:  # four at a time, to load and store the gradient less often
                c0 = coef[a]
                c1 = coef[a + 1]
                c2 = coef[a + 2]
                c3 = coef[a + 3]
                s0 = active[a]
                s1 = active[a + 1]
                s2 = active[a + 2]
                s3 = active[a + 3]
                for j in range(width):
                    gradient[j] += (
                        c0 * inputs[s0, j]
                        + c1 * inputs[s1, j]
                        + c2 * inputs[s2, j]
                        + c3 * inputs[s3, j]
                    )
                a += 4
            while a < n:
                c0 = coef[a]
                s0 = active[a]
                for j in range(width):
                    gradient[j] += c0 * inputs[s0, j]
                a += 1
            if pass_errors:
                for a in range(n):
                    share = scale * coef[a]
                    s0 = active[a]
                    for j in range(width):
                        errors[s0, j] += share * weights[i, j]
            step(weights, state, i, width, gradient, rates)
            n_stepped += width
            n_products += n * width
    return n_stepped, n_products


def step_cells(
    step,
    rows,
    starts,
    pairs,
    samples,
    coefs,
    indptr,
    indices,
    data,
    errors,
    weights,
    state,
    scale,
    rates,
):
    width = weights.shape[1]
    gradient = np.zeros(width, np.float32)
    touched = np.empty(width + 1, np.uint32)
    is_touched = np.zeros(width, np.uint8)
    packed = np.empty((1, width), np.float32)
    packed_state = np.empty((state.shape[0], 1, width), np.float32)
    packed_gradient = np.empty(width, np.float32)
    pass_errors = errors.shape[0] > 0
    n_stepped = 0
    n_products = 0
    for k in range(rows.shape[0]):
        i = rows[k]
        n = 0
        for t in range(starts[k], starts[k + 1]):
            coef = coefs[pairs[t]]
            if coef != 0:
                s = samples[t]
                n_products += int(indptr[s + 1] - indptr[s])
                # Whether a cell was touched before cannot be foretold, so nothing branches on it.
                for p in range(indptr[s], indptr[s + 1]):
                    j = indices[p]
                    touched[n] = j
                    n += 1 if is_touched[j] == 0 else 0
                    is_touched[j] = 1
                    gradient[j] += coef * data[p]
                if pass_errors:
                    share = scale * coef
                    for p in range(indptr[s], indptr[s + 1]):
                        errors[p] += share * weights[i, indices[p]]
        for c in range(n):
            j = touched[c]
            packed_gradient[c] = gradient[j]
            gradient[j] = np.float32(0)
            is_touched[j] = 0
        step_touched(
            step, i, touched, n, packed_gradient, weights, state, packed, packed_state, rates
        )
        n_stepped += n
    return n_stepped, n_products


# One exported entry for each optimizer and kind of visit; all else is shared.
# fmt: off


# pythran export step_dense_adam(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32, float32, float32, float32))
def step_dense_adam(gradient, weights, state, rates):
    return step_dense(adam, gradient, weights, state, rates)


# pythran export step_bias_adam(uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32, float32, float32, float32))
def step_bias_adam(rows, starts, pairs, coefs, bias, state, rates):
    return step_bias(adam, rows, starts, pairs, coefs, bias, state, rates)


# pythran export step_rows_adam(uint32[], uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32, float32, float32, float32))
def step_rows_adam(rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates):
    return step_rows(adam, rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates)


# pythran export step_cells_adam(uint32[], uint32[], uint32[], uint32[], float32[], uint32[], uint32[], float32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32, float32, float32, float32))
def step_cells_adam(rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates):
    return step_cells(adam, rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates)


# pythran export step_dense_adagrad(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_dense_adagrad(gradient, weights, state, rates):
    return step_dense(adagrad, gradient, weights, state, rates)


# pythran export step_bias_adagrad(uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_bias_adagrad(rows, starts, pairs, coefs, bias, state, rates):
    return step_bias(adagrad, rows, starts, pairs, coefs, bias, state, rates)


# pythran export step_rows_adagrad(uint32[], uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_rows_adagrad(rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates):
    return step_rows(adagrad, rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates)


# pythran export step_cells_adagrad(uint32[], uint32[], uint32[], uint32[], float32[], uint32[], uint32[], float32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_cells_adagrad(rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates):
    return step_cells(adagrad, rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates)


# pythran export step_dense_rowwise_adagrad(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_dense_rowwise_adagrad(gradient, weights, state, rates):
    return step_dense(rowwise_adagrad, gradient, weights, state, rates)


# pythran export step_bias_rowwise_adagrad(uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32))
def step_bias_rowwise_adagrad(rows, starts, pairs, coefs, bias, state, rates):
    return step_bias(adagrad, rows, starts, pairs, coefs, bias, state, rates)


# pythran export step_rows_rowwise_adagrad(uint32[], uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_rows_rowwise_adagrad(rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates):
    return step_rows(rowwise_adagrad, rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates)


# pythran export step_cells_rowwise_adagrad(uint32[], uint32[], uint32[], uint32[], float32[], uint32[], uint32[], float32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32))
def step_cells_rowwise_adagrad(rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates):
    return step_cells(rowwise_adagrad, rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates)


# pythran export step_dense_sgd(float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32))
def step_dense_sgd(gradient, weights, state, rates):
    return step_dense(sgd, gradient, weights, state, rates)


# pythran export step_bias_sgd(uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), (float32, float32, float32, float32, float32))
def step_bias_sgd(rows, starts, pairs, coefs, bias, state, rates):
    return step_bias(sgd, rows, starts, pairs, coefs, bias, state, rates)


# pythran export step_rows_sgd(uint32[], uint32[], uint32[], uint32[], float32[], float32[:,:] order(C), float32[:,:] order(C), float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32))
def step_rows_sgd(rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates):
    return step_rows(sgd, rows, starts, pairs, samples, coefs, inputs, errors, weights, state, scale, rates)


# pythran export step_cells_sgd(uint32[], uint32[], uint32[], uint32[], float32[], uint32[], uint32[], float32[], float32[], float32[:,:] order(C), float32[:,:,:] order(C), float32, (float32, float32, float32, float32, float32))
def step_cells_sgd(rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates):
    return step_cells(sgd, rows, starts, pairs, samples, coefs, indptr, indices, data, errors, weights, state, scale, rates)

# fmt: on
