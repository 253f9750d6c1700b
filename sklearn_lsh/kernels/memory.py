"""A memory of keys, row after row: find the nearest ones, and change one.

``slots`` is (keys, labels, stamps, sizes, ring, counts), see `sklearn_lsh.memory.slots.Slots`; the used ones
come first. ``buckets`` is (sizes, members, codes), see `sklearn_lsh.memory.buckets.Buckets`.
``found`` is (slots, labels, scores) of the keys nearest to each row, the nearest first.

An inner product is always summed in the same order, so that it depends on nothing but its two
vectors: a row is copied to where the compiler knows that it is a row.
"""

import numpy as np

# No slot, and no label.
NONE = -1
# Columns of the ring: who is older than a slot, and who is newer.
OLDER = 0
NEWER = 1
# Places of the counts: used slots, rows so far, keys written, and the slot whose key was moved last.
N_USED = 0
CLOCK = 1
N_WRITTEN = 2
MOVED = 3
# Slots that a search remembers having compared: those that it meets again cost nothing.
N_REMEMBERED = 1024


# pythran export unit_rows(float32[:,:] order(C), float32[:,:] order(C))
# pythran export unit_rows(float64[:,:] order(C), float32[:,:] order(C))
def unit_rows(rows, out):
    """Divide rows, which have a value other than zero each, by their lengths."""
    width = rows.shape[1]
    for s in range(rows.shape[0]):
        largest = 0.0
        for j in range(width):
            largest = max(largest, abs(float(rows[s, j])))
        total = 0.0
        for j in range(width):
            x = float(rows[s, j]) / largest
            total += x * x
        length = np.sqrt(total)
        for j in range(width):
            out[s, j] = np.float32(float(rows[s, j]) / largest / length)


def dot(row, key):
    """Inner product."""
    total = np.float32(0)
    for j in range(row.shape[0]):
        total += row[j] * key[j]
    return total


# pythran export project_unit_rows(float32[:,:] order(C), float32[], float32[:,:] order(C), float32[:,:] order(C))
def project_unit_rows(rows, mean, basis, out):
    """Products of rows, less a mean, with the rows of a basis."""
    for s in range(rows.shape[0]):
        row = rows[s] - mean
        for k in range(basis.shape[0]):
            out[s, k] = dot(row, basis[k])


def keep(i, score, s, found):
    """Put a slot in its place among the best of row ``s``; among equal ones the first stays first.

    Returns the score that others have to exceed.
    """
    slots, _, scores = found
    last = slots.shape[1] - 1
    place = last + 1
    known = 0
    for k in range(last + 1):
        known += 1 if slots[s, k] == i else 0
    while (
        known == 0 and place > 0 and (slots[s, place - 1] == NONE or scores[s, place - 1] < score)
    ):
        place -= 1
        if place < last:
            slots[s, place + 1] = slots[s, place]
            scores[s, place + 1] = scores[s, place]
        slots[s, place] = i
        scores[s, place] = score
    return scores[s, last] if slots[s, last] != NONE else np.float32(-np.inf)


def search_all(rows, s, slots, found):
    """Compare a row with all keys."""
    keys, _, _, _, _, counts = slots
    row = rows[s].copy()
    bar = np.float32(-np.inf)
    for i in range(counts[N_USED]):
        score = dot(row, keys[i])
        if score > bar:
            bar = keep(i, score, s, found)


def search_buckets(rows, s, slots, buckets, probes, compared, found):
    """Compare a row with the keys in its buckets: ``probes`` (n_rows, n_probes, n_tables).

    All that a probe finds is noted first: the processor then fetches keys while it compares others.
    """
    keys = slots[0]
    sizes, members, _ = buckets
    remembered, noted = compared
    row = rows[s].copy()
    bar = np.float32(-np.inf)
    remembered[:] = NONE
    for p in range(probes.shape[1]):
        n = 0
        for t in range(probes.shape[2]):
            code = probes[s, p, t]
            for m in range(sizes[t, code]):
                i = members[t, code, m]
                place = i % N_REMEMBERED
                noted[n] = i
                n += 1 if remembered[place] != i else 0
                remembered[place] = i
        for k in range(n):
            i = noted[k]
            score = dot(row, keys[i])
            if score > bar:
                bar = keep(i, score, s, found)


def nothing_compared(members):
    """Slots that a search remembers having compared, and room to note others."""
    return (
        np.empty(N_REMEMBERED, np.int32),
        np.empty(members.shape[0] * members.shape[2], np.int32),
    )


def begin(s, found):
    """Nothing is found yet."""
    slots, labels, scores = found
    for k in range(slots.shape[1]):
        slots[s, k] = NONE
        labels[s, k] = NONE
        scores[s, k] = np.float32(-np.inf)


def name_labels(s, slots, found):
    """Say of which labels the slots are that were found."""
    places, labels, _ = found
    for k in range(places.shape[1]):
        if places[s, k] != NONE:
            labels[s, k] = slots[1][places[s, k]]


# pythran export nearest_keys(float32[:,:] order(C), (float32[:,:] order(C), int32[], int64[], int64[], int32[:,:] order(C), int64[]), (int32[:,:] order(C), int32[:,:] order(C), float32[:,:] order(C)))
def nearest_keys(rows, slots, found):
    """Find the keys nearest to each row, among all."""
    for s in range(rows.shape[0]):
        begin(s, found)
        search_all(rows, s, slots, found)
        name_labels(s, slots, found)


# pythran export nearest_in_buckets(float32[:,:] order(C), (float32[:,:] order(C), int32[], int64[], int64[], int32[:,:] order(C), int64[]), (int32[:,:] order(C), int32[:,:,:] order(C), uint16[:,:] order(C)), uint16[:,:,:] order(C), (int32[:,:] order(C), int32[:,:] order(C), float32[:,:] order(C)))
def nearest_in_buckets(rows, slots, buckets, probes, found):
    """As `nearest_keys`, among those that share a bucket with a row."""
    compared = nothing_compared(buckets[1])
    for s in range(rows.shape[0]):
        begin(s, found)
        search_buckets(rows, s, slots, buckets, probes, compared, found)
        name_labels(s, slots, found)


def drop(buckets, i):
    """Take a slot out of its buckets; the last member takes its place."""
    sizes, members, codes = buckets
    for t in range(sizes.shape[0]):
        code = codes[i, t]
        last = sizes[t, code] - 1
        for m in range(last + 1):
            if members[t, code, m] == i:
                members[t, code, m] = members[t, code, last]
                sizes[t, code] = last


def put(buckets, i, new, s):
    """Put a slot into buckets. Of a full one it takes a member's place, which i tells."""
    sizes, members, codes = buckets
    most = members.shape[2]
    for t in range(sizes.shape[0]):
        code = new[s, t]
        codes[i, t] = code
        n = sizes[t, code]
        if n < most:
            members[t, code, n] = i
            sizes[t, code] = n + 1
        else:
            members[t, code, i % most] = i


# pythran export fill_buckets((int32[:,:] order(C), int32[:,:,:] order(C), uint16[:,:] order(C)), uint16[:,:] order(C), int)
def fill_buckets(buckets, new, first):
    """Put slots into buckets, from the first one on."""
    for s in range(new.shape[0]):
        put(buckets, first + s, new, s)


# pythran export move_in_buckets((int32[:,:] order(C), int32[:,:,:] order(C), uint16[:,:] order(C)), int, uint16[:,:] order(C))
def move_in_buckets(buckets, i, new):
    """Move a slot to other buckets."""
    drop(buckets, i)
    put(buckets, i, new, 0)


def take_out(ring, i):
    """Take a slot out of the ring."""
    older = ring[i + 1, OLDER]
    newer = ring[i + 1, NEWER]
    ring[older, NEWER] = newer
    ring[newer, OLDER] = older


def put_newest(ring, i):
    """Put a slot into the ring, as the newest."""
    newest = ring[0, OLDER]
    ring[i + 1, OLDER] = newest
    ring[i + 1, NEWER] = 0
    ring[newest, NEWER] = i + 1
    ring[0, OLDER] = i + 1


def find_eldest(slots, noise, s):
    """The slot of the greatest age plus noise: that of the oldest first, then of the next one."""
    _, _, stamps, _, ring, _ = slots
    place = int(ring[0, NEWER])
    best = place
    lowest = 0.0
    for k in range(noise.shape[1]):
        if place > 0:
            time = float(stamps[place - 1]) - noise[s, k]
            if k == 0 or time < lowest:
                best = place
                lowest = time
            place = int(ring[place, NEWER])
    return best - 1


def merge(row, key, weight):
    """Let a key be the normalised sum of itself, weighted, and a row; if that is 0, the row."""
    total = 0.0
    for j in range(row.shape[0]):
        x = float(row[j]) + weight * float(key[j])
        total += x * x
    length = np.sqrt(total)
    for j in range(row.shape[0]):
        x = float(row[j]) + weight * float(key[j])
        key[j] = np.float32(x / length) if length > 0 else row[j]


def write(rows, s, label, noise, slots, most, found):
    """Learn a row whose nearest key was found. Returns its slot.

    A key weighs as much as the rows that it stands for, but no more than ``most``; of 0 it stays.
    """
    keys, labels, stamps, sizes, ring, counts = slots
    i = int(found[0][s, 0])
    counts[MOVED] = NONE
    if most > 0 and i != NONE and labels[i] == label:
        merge(rows[s].copy(), keys[i], min(float(sizes[i]), most))
        sizes[i] += 1
        counts[MOVED] = i
        take_out(ring, i)
    else:
        i = int(counts[N_USED])
        if i < keys.shape[0]:
            counts[N_USED] = i + 1
        else:
            i = find_eldest(slots, noise, s)
            take_out(ring, i)
        keys[i] = rows[s]
        labels[i] = label
        sizes[i] = 1
    put_newest(ring, i)
    stamps[i] = counts[CLOCK]
    counts[CLOCK] += 1
    counts[N_WRITTEN] += 1
    return i


# pythran export learn(float32[:,:] order(C), int32[], float64[:,:] order(C), (float32[:,:] order(C), int32[], int64[], int64[], int32[:,:] order(C), int64[]), (int, float), (int32[:,:] order(C), int32[:,:] order(C), float32[:,:] order(C)))
def learn(rows, labels, noise, slots, limits, found):
    """Learn rows one by one, and tell what was nearest to each before.

    ``limits`` are (how many keys are written when it ends, and what a key weighs at most). Returns
    how many rows were learnt.
    """
    counts = slots[5]
    n_written, most = limits
    s = 0
    while s < rows.shape[0] and counts[N_WRITTEN] < n_written:
        begin(s, found)
        search_all(rows, s, slots, found)
        name_labels(s, slots, found)
        write(rows, s, labels[s], noise, slots, most, found)
        s += 1
    return s


# pythran export learn_in_buckets(float32[:,:] order(C), int32[], float64[:,:] order(C), (float32[:,:] order(C), int32[], int64[], int64[], int32[:,:] order(C), int64[]), (int, float), (int32[:,:] order(C), int32[:,:,:] order(C), uint16[:,:] order(C)), (uint16[:,:,:] order(C), uint16[:,:] order(C)), (int32[:,:] order(C), int32[:,:] order(C), float32[:,:] order(C)))
def learn_in_buckets(rows, labels, noise, slots, limits, buckets, codes, found):
    """As `learn`, among the keys that share a bucket with a row.

    ``codes`` are (those of the buckets to look into, those of the rows as keys). Ends also after a
    row that has moved a key, which then has to be hashed anew: ``counts`` say which one.
    """
    counts = slots[5]
    n_written, most = limits
    probes, own = codes
    compared = nothing_compared(buckets[1])
    s = 0
    moved = NONE
    while s < rows.shape[0] and counts[N_WRITTEN] < n_written and moved == NONE:
        begin(s, found)
        search_buckets(rows, s, slots, buckets, probes, compared, found)
        if found[0][s, 0] == NONE:
            search_all(rows, s, slots, found)
        name_labels(s, slots, found)
        n_used = int(counts[N_USED])
        i = write(rows, s, labels[s], noise, slots, most, found)
        moved = int(counts[MOVED])
        if moved == NONE:
            if i < n_used:
                drop(buckets, i)
            put(buckets, i, own, s)
        s += 1
    return s
