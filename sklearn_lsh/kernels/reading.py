"""Read numbers from text: letters are ASCII codes.

Those that mean something here are 9 (tab), 10 (newline), 13 (carriage return), 32 (space), 35 (#),
43 (+), 44 (comma), 45 (-), 46 (point), 48 to 57 (digits), 58 (colon), 69 (E) and 101 (e). Integers
from 2**31 are too large: SciPy's indices are signed ones of 32 bits.
"""


def read_integer(text, p, stop):
    """Read digits from ``p``: returns the number and where it ends, or -1 if it is too large."""
    number = 0
    while p < stop and 48 <= text[p] and text[p] <= 57 and number < 2147483648:
        number = 10 * number + (int(text[p]) - 48)
        p += 1
    return (number if number < 2147483648 else -1), p


def read_decimal(text, p, stop):
    """Read a number such as ``-12.5e-3``: returns it and where it ends; ``p`` if there is none."""
    first = p
    negative = False
    if p < stop and (text[p] == 43 or text[p] == 45):
        negative = text[p] == 45
        p += 1
    mantissa = 0.0
    n_digits = 0
    power = 0
    while p < stop and 48 <= text[p] and text[p] <= 57:
        mantissa = 10.0 * mantissa + (int(text[p]) - 48)
        n_digits += 1
        p += 1
    if p < stop and text[p] == 46:
        p += 1
        while p < stop and 48 <= text[p] and text[p] <= 57:
            mantissa = 10.0 * mantissa + (int(text[p]) - 48)
            n_digits += 1
            power -= 1
            p += 1
    if n_digits == 0:
        return 0.0, first
    if p < stop and (text[p] == 69 or text[p] == 101):
        p += 1
        down = False
        if p < stop and (text[p] == 43 or text[p] == 45):
            down = text[p] == 45
            p += 1
        start = p
        exponent, p = read_integer(text, p, stop)
        if p == start or exponent < 0:
            return 0.0, first
        power += -exponent if down else exponent
    # Powers of ten are exact up to 22: dividing by one rounds once, multiplying by 0.1 twice.
    if power < 0:
        mantissa /= 10.0 ** (-power)
    elif power > 0:
        mantissa *= 10.0**power
    return (-mantissa if negative else mantissa), p


def is_space(letter):
    return letter == 32 or letter == 9 or letter == 13


def is_blank(text, start, stop):
    """Whether there is nothing but spaces."""
    for p in range(start, stop):
        if not is_space(text[p]):
            return False
    return True


def read_pairs(text, p, end, separated, n, indices, data):
    """Read ``index:value`` from ``p`` to ``end`` into places ``n`` and on.

    They follow spaces; ``separated`` is whether the first one does. Returns the place after the last
    one, or -1 if there is anything else.
    """
    while p < end:
        if is_space(text[p]):
            separated = True
            p += 1
        else:
            number, q = read_integer(text, p, end)
            if not separated or q == p or number < 0 or q == end or text[q] != 58:
                return -1
            value, p = read_decimal(text, q + 1, end)
            if p == q + 1:
                return -1
            indices[n] = number
            data[n] = value
            n += 1
            separated = False
    return n


# pythran export read_multilabel(uint8[], bool, (int64[], int64[], uint32[], int64[], uint32[], float32[]))
def read_multilabel(text, keep_empty, rows):
    """Read lines ``label,label index:value index:value``, each of which ends with a newline.

    Fills ``rows``, which are ``lines, label_indptr, labels, indptr, indices, data``: for each row
    the number of its line, from 0, and two ragged lists, of labels and of features with their
    values. Empty lines are rows only if ``keep_empty``, and comments (``# ...`` from the first letter
    on) never.
    Returns the number of rows, or ``-1 - line`` of the first line that cannot be read.
    """
    lines, label_indptr, labels, indptr, indices, data = rows
    n_rows = n_labels = n = line = p = 0
    label_indptr[0] = 0
    indptr[0] = 0
    while p < text.shape[0]:
        first = stop = p
        while text[stop] != 10:
            stop += 1
        end = p
        while end < stop and text[end] != 35:
            end += 1
        empty = is_blank(text, p, end)
        # Labels come first, unless the line starts with a space or its first number is an index.
        start = p
        more = not empty
        while more:
            number, q = read_integer(text, p, end)
            if q == p or (q < end and text[q] == 58):
                more = False
                if p > start:
                    return -1 - line
            elif number < 0:
                return -1 - line
            else:
                labels[n_labels] = number
                n_labels += 1
                more = q < end and text[q] == 44
                p = q + 1 if more else q
        n = read_pairs(text, p, end, p == start, n, indices, data)
        if n < 0:
            return -1 - line
        if (keep_empty and text[first] != 35) or not empty:
            lines[n_rows] = line
            n_rows += 1
            label_indptr[n_rows] = n_labels
            indptr[n_rows] = n
        line += 1
        p = stop + 1
    return n_rows


def skip_query(text, p, end):
    """Where what follows ``qid:number`` begins; ``p`` if there is no such thing."""
    if p + 4 < end and text[p] == 113 and text[p + 1] == 105 and text[p + 2] == 100:
        if text[p + 3] == 58:
            _, q = read_integer(text, p + 4, end)
            return q if q > p + 4 else p
    return p


# pythran export read_svmlight(uint8[], (int64[], float64[], int64[], uint32[], float32[]))
def read_svmlight(text, rows):
    """Read lines ``target index:value index:value``, each of which ends with a newline.

    Fills ``rows``, which are ``lines, targets, indptr, indices, data``: of each row the number of
    its line, from 0, its target, and its features with their values. Comments (``# ...``), empty
    lines and ``qid:number`` after a target are left out. Returns the number of rows, or ``-1 - line``
    of the first line that cannot be read.
    """
    lines, targets, indptr, indices, data = rows
    n_rows = n = line = p = 0
    indptr[0] = 0
    while p < text.shape[0]:
        stop = p
        while text[stop] != 10:
            stop += 1
        end = p
        while end < stop and text[end] != 35:
            end += 1
        while p < end and is_space(text[p]):
            p += 1
        if p < end:
            target, q = read_decimal(text, p, end)
            if q == p or (q < end and not is_space(text[q])):
                return -1 - line
            while q < end and is_space(text[q]):
                q += 1
            n = read_pairs(text, skip_query(text, q, end), end, True, n, indices, data)
            if n < 0:
                return -1 - line
            lines[n_rows] = line
            targets[n_rows] = target
            n_rows += 1
            indptr[n_rows] = n
        line += 1
        p = stop + 1
    return n_rows
