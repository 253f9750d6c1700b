"""From vectors to codes: integers, their projections, their order, their ranks.

A dense batch is a CSR batch of rows of even length: where columns play no part, one kernel
serves both.
"""

import numpy as np

# See `sklearn_lsh.hashing.integer_projections`: rows whose largest value is below count as zero, ...
SMALLEST = np.float32(2.0**-100)
# ... and the others are scaled by powers of two until it is in [256, 512).
HALF_RANGE = np.float32(256)
RANGE = np.float32(512)
# Smaller numbers are subnormal: some processors and libraries take them for zero, so all do.
SUBNORMAL = np.float32(2.0**-126)


# pythran export scale_rows(uint32[], float32[], float32[])
def scale_rows(indptr, data, scales):
    """Powers of two that bring each row's largest magnitude into [256, 512)."""
    for s in range(indptr.shape[0] - 1):
        largest = np.float32(0)
        for p in range(indptr[s], indptr[s + 1]):
            largest = max(largest, abs(data[p]))
        scale = np.float32(0)
        if largest >= SMALLEST:
            scale = np.float32(1)
            while largest * scale < HALF_RANGE:
                scale *= np.float32(2)
            while largest * scale >= RANGE:
                scale *= np.float32(0.5)
        scales[s] = scale


# pythran export round_rows(uint32[], float32[], float32[], float32[])
def round_rows(indptr, data, scales, out):
    """Nearest integers to the scaled values."""
    for s in range(indptr.shape[0] - 1):
        scale = scales[s]
        for p in range(indptr[s], indptr[s + 1]):
            out[p] = np.rint(data[p] * scale)


# pythran export project_rows((uint32[], uint32[], float32[], int), int8[:,:] order(C), int32[:,:] order(C))
def project_rows(vectors, projections, out):
    """Set ``out`` to the vectors times ``projections``, both integers."""
    indptr, indices, data, _ = vectors
    width = projections.shape[1]
    for s in range(indptr.shape[0] - 1):
        for k in range(width):
            out[s, k] = 0
        for p in range(indptr[s], indptr[s + 1]):
            j = indices[p]
            x = np.int32(data[p])
            for k in range(width):
                out[s, k] += x * np.int32(projections[j, k])


# pythran export pack_signs(float32[:,:] order(C), int, uint8[:,:] order(C))
# pythran export pack_signs(float32[:,:] order(C), int, uint16[:,:] order(C))
# pythran export pack_signs(int32[:,:] order(C), int, uint8[:,:] order(C))
# pythran export pack_signs(int32[:,:] order(C), int, uint16[:,:] order(C))
def pack_signs(projections, n_bits, codes):
    """Join the signs of ``n_bits`` neighbouring projections into one code for each table."""
    for i in range(codes.shape[0]):
        for t in range(codes.shape[1]):
            code = 0
            for b in range(n_bits):
                code = 2 * code + (1 if projections[i, t * n_bits + b] > 0 else 0)
            codes[i, t] = code


# pythran export probe_signs(float32[:,:] order(C), int, uint8[:,:,:] order(C))
# pythran export probe_signs(float32[:,:] order(C), int, uint16[:,:,:] order(C))
# pythran export probe_signs(int32[:,:] order(C), int, uint8[:,:,:] order(C))
# pythran export probe_signs(int32[:,:] order(C), int, uint16[:,:,:] order(C))
def probe_signs(projections, n_bits, codes):
    """As `pack_signs`, and the codes next to it: ``codes`` (n_vectors, n_probes, n_tables).

    A code costs the squares of the projections whose signs it has wrong, and cheaper ones come
    first. A set of wrong bits, in the order of their squares, is reached in one way only: its
    last bit is moved to the next one, or the next one is added (Lv et al. 2007).
    """
    _, n_probes, n_tables = codes.shape
    order = np.empty(n_bits, np.int32)
    squares = np.empty(n_bits, np.float32)
    # The sets within reach: what they cost, their bits, and which of the order is their last.
    costs = np.empty(n_probes + 1, np.float32)
    flips = np.empty(n_probes + 1, np.int32)
    lasts = np.empty(n_probes + 1, np.int32)
    for i in range(codes.shape[0]):
        for t in range(n_tables):
            code = 0
            for b in range(n_bits):
                x = np.float32(projections[i, t * n_bits + b])
                code = 2 * code + (1 if x > 0 else 0)
                place = b
                while place > 0 and squares[place - 1] > x * x:
                    squares[place] = squares[place - 1]
                    order[place] = order[place - 1]
                    place -= 1
                squares[place] = x * x
                order[place] = 1 << (n_bits - 1 - b)
            codes[i, 0, t] = code
            costs[0] = squares[0]
            flips[0] = order[0]
            lasts[0] = 0
            n = 1
            for probe in range(1, n_probes):
                best = 0
                for k in range(1, n):
                    if costs[k] < costs[best]:
                        best = k
                cost = costs[best]
                flip = int(flips[best])
                last = int(lasts[best])
                codes[i, probe, t] = code ^ flip
                if last + 1 < n_bits:
                    costs[best] = cost - squares[last] + squares[last + 1]
                    flips[best] = flip ^ order[last] ^ order[last + 1]
                    lasts[best] = last + 1
                    costs[n] = cost + squares[last + 1]
                    flips[n] = flip | order[last + 1]
                    lasts[n] = last + 1
                    n += 1
                else:
                    n -= 1
                    costs[best] = costs[n]
                    flips[best] = flips[n]
                    lasts[best] = lasts[n]


# pythran export pick_winners(float32[:,:] order(C), uint32[:,:] order(C), int, int, uint8[:,:] order(C))
# pythran export pick_winners(float32[:,:] order(C), uint32[:,:] order(C), int, int, uint16[:,:] order(C))
def pick_winners(values, windows, n_bits, max_tries, codes):
    """Join the places of the largest values of windows of coordinates into codes.

    ``windows`` (n_digits, width) names each window's coordinates; a table's code is made of
    ``windows.shape[0] // codes.shape[1]`` digits of ``n_bits`` each. A window whose values are
    all zero says nothing: it borrows the digit of the next one that does, if that is among the
    ``max_tries`` first windows from it.
    """
    n_windows, width = windows.shape
    n_digits = n_windows // codes.shape[1]
    for i in range(values.shape[0]):
        for t in range(codes.shape[1]):
            code = 0
            for d in range(n_digits):
                w = t * n_digits + d
                tries = 0
                empty = True
                best = 0
                while empty and tries < max_tries:
                    best = 0
                    highest = np.float32(0)
                    for c in range(width):
                        x = values[i, windows[w, c]]
                        if abs(x) < SUBNORMAL:
                            x = np.float32(0)
                        else:
                            empty = False
                        if c == 0 or x > highest:
                            best = c
                            highest = x
                    w = w + 1 if w + 1 < n_windows else 0
                    tries += 1
                code = (code << n_bits) | best
            codes[i, t] = code


# pythran export lowest_ranks((uint32[], uint32[], float32[], int), uint32[], int, (uint32[], uint32[]), uint32[:,:] order(C))
def lowest_ranks(vectors, ranks, width, walks, out):
    """Lowest rank of each row's non-zeros in each bin of ``width`` ranks.

    An empty bin ``b`` takes that of the first of the bins ``first[b], first[b] + step[b], ...``
    (around the end) that is not, with ``walks`` (first, step). Of a row without non-zeros all are
    ``n_bins * width``.
    """
    indptr, indices, data, _ = vectors
    first, step = walks
    n_bins = out.shape[1]
    nothing = n_bins * width
    lowest = np.empty(n_bins, np.uint32)
    for s in range(out.shape[0]):
        lowest[:] = np.uint32(nothing)
        n_filled = 0
        for p in range(indptr[s], indptr[s + 1]):
            if abs(data[p]) >= SUBNORMAL:
                rank = int(ranks[indices[p]])
                b = rank // width
                if lowest[b] == nothing:
                    n_filled += 1
                if rank < lowest[b]:
                    lowest[b] = rank
        for b in range(n_bins):
            source = b
            if n_filled > 0 and lowest[b] == nothing:
                source = int(first[b])
                while lowest[source] == nothing:
                    source = (source + int(step[b])) % n_bins
            out[s, b] = lowest[source]
