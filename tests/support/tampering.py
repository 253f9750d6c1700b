"""Files in which one thing was changed, and objects that are loaded from them and used.

Whatever was changed, the outcome must be ValueError, TypeError or a result: never a crash. So
each case is tried in a process that may die.

    python tests/support/tampering.py [--share SHARE] [--seed SEED] [SUBJECT ...]

tries all cases, or a share of them, of some subjects, or of all. It prints what came of them, and
ends with an error where something is not as it should be.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # it is run as a program
from stored_objects import SLOW, SUBJECTS

# Seconds in which a case has to be done, and bytes of memory that it may take.
PATIENCE = 20
MEMORY = 6 << 30
# Share of the cases that are few, and tried quickly.
FEW = 0.01


class Case(NamedTuple):
    """What is changed: a member of the zip file, or a place in its ``schema.json``."""

    name: str
    change: object

    def __str__(self):
        return f"{self.name}: {getattr(self.change, '__name__', self.change)}"


# Changes of arrays


def _extreme(array):
    if array.dtype.kind in "iub":
        return np.full_like(array, True if array.dtype == bool else np.iinfo(array.dtype).max)
    return np.full_like(array, np.finfo(array.dtype).max)


def highest(array):
    return _extreme(array)


def one_highest(array):
    changed = array.copy()
    changed.reshape(-1)[-1:] = _extreme(array).reshape(-1)[-1:]
    return changed


def negative(array):
    return (-1 - array.astype(np.float64)).astype(array.dtype)


def zeros(array):
    return np.zeros_like(array)


def ones(array):
    return np.ones_like(array)


def one_more(array):
    return array + np.ones(1, array.dtype)


def not_a_number(array):
    return np.full_like(array, np.nan) if array.dtype.kind == "f" else array.astype(np.float32)


def infinity(array):
    return np.full_like(array, np.inf) if array.dtype.kind == "f" else array.astype(np.float64)


def wider(array):
    return array.astype(
        {"f": np.float64, "u": np.uint64, "i": np.int64}.get(array.dtype.kind, "i8")
    )


def signed(array):
    return array.astype(np.int32)


def swapped_bytes(array):
    return array.astype(array.dtype.newbyteorder())


def text(array):
    return array.astype(str)


def shorter(array):
    return array[:-1] if array.ndim else array.reshape(1)


def longer(array):
    return np.concatenate([array, array[-1:]]) if array.ndim else np.stack([array, array])


def empty(array):
    return array[:0] if array.ndim else np.empty(0, array.dtype)


def narrower(array):
    return array[..., :-1].copy() if array.ndim > 1 else array.reshape(-1)[:1]


def flat(array):
    return array.reshape(-1) if array.ndim > 1 else array.reshape(1, -1)


def turned(array):
    return array[::-1].copy() if array.ndim == 1 else np.ascontiguousarray(array.T)


def fortran(array):
    return np.asfortranarray(array)


def swapped(array):
    changed = array.copy().reshape(-1)
    if changed.size:
        changed[[0, -1]] = changed[[-1, 0]]
    return changed.reshape(array.shape)


CHANGES = [
    *(highest, one_highest, negative, zeros, ones, one_more, not_a_number, infinity, wider),
    *(signed, swapped_bytes, text, shorter, longer, empty, narrower, flat, turned, fortran),
    swapped,
]
# What numbers and other values of JSON are changed to.
VALUES = [0, -1, 1, 3, 2**12, 2**31, 2**40, 2**70, 0.5, 1e300, 1e-320, "foo", None, True, []]
RELATIVE = [lambda value: value + 1, lambda value: value - 1, lambda value: 2 * value]


def cases_of(data, seed=0, share=1.0):
    """All cases of a file, or a share of those of each array and each value."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        schema = json.loads(archive.read("schema.json"))
    groups = [
        [Case(name, change) for change in CHANGES]
        for name in names
        if name.endswith((".npy", ".npz"))
    ]
    classes = sorted({node["__class__"] for _, node in ours(schema)})
    groups += [
        [Case(path, f"class {name}") for name in classes if name != node["__class__"]]
        for path, node in ours(schema)
    ]
    for path, node in values_of(schema):
        value = json.loads(node["content"])
        others = [other for other in VALUES if other != value or type(other) is not type(value)]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            others += [change(value) for change in RELATIVE]
        groups.append([Case(path, json.dumps(other)) for other in others])
    if share < 1:
        groups = [_share_of(group, share, rng) for group in groups]
    return [case for group in groups for case in group]


def _share_of(group, share, rng):
    n = min(len(group), rng.poisson(share * len(group)))
    return [group[i] for i in sorted(rng.choice(len(group), n, replace=False))]


def walk(node, path=""):
    """All dictionaries of a schema, by the keys that lead to them."""
    if isinstance(node, dict):
        yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from walk(value, f"{path}/{key}")


def values_of(schema):
    """Nodes of numbers, strings and truth values."""
    return [(path, node) for path, node in walk(schema) if node.get("__loader__") == "JsonNode"]


def ours(schema):
    """Nodes of this package's objects, but for the one that was saved."""
    found = [
        (path, node)
        for path, node in walk(schema)
        if str(node.get("__module__")).startswith("sklearn_lsh")
    ]
    return [(path, node) for path, node in found if path]


def tampered(data, case):
    """The file with one change; None if it changes nothing."""
    out = io.BytesIO()
    changed = False
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == case.name:
                new = _changed_member(name, content, case.change)
            elif name == "schema.json" and case.name.startswith("/"):
                new = _changed_schema(content, case)
            else:
                new = content
            changed |= new != content
            copy.writestr(name, new)
    return out.getvalue() if changed else None


def _changed_member(name, content, change):
    if name.endswith(".npy"):
        out = io.BytesIO()
        np.save(out, change(np.load(io.BytesIO(content))), allow_pickle=False)
        return out.getvalue()
    with np.load(io.BytesIO(content)) as parts:
        arrays = dict(parts)
    name = ("data", "indices", "indptr", "shape")[len(change.__name__) % 4]
    arrays[name] = change(arrays[name])
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _changed_schema(content, case):
    schema = json.loads(content)
    node = dict(walk(schema))[case.name]
    kind, _, name = case.change.partition(" ")
    if kind == "class":
        others = [other for _, other in ours(schema) if other["__class__"] == name]
        node["__class__"], node["__module__"] = name, others[0]["__module__"]
    else:
        node["content"] = case.change
    return json.dumps(schema)


# Trying


def save(subject):
    import skops.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return skops.io.dumps(SUBJECTS[subject].make())


def outcome(subject, data):
    """Load and use an object: "accepted", "refused" or the name of another error.

    skops and NumPy refuse what they cannot read, and Python what it has no memory for.
    """
    import skops.io

    try:
        loaded = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
        SUBJECTS[subject].use(loaded)
    except (ValueError, TypeError):
        return "refused"
    except MemoryError:  # parameters may ask for more than there is
        return "refused by others"
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        if not any("sklearn_lsh" in frame.filename for frame in frames):
            return "refused by others"
        last = frames[-1]
        return f"{type(error).__name__} {error} ({last.filename}:{last.lineno})"
    return "accepted"


def work(folder, seed, share, first):
    """Try all cases from the first, and print each one's outcome."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    for number, (subject, data, case) in enumerate(all_cases(folder, seed, share)):
        if number >= first:
            print(number, flush=True)
            changed = tampered(data, case)
            result = "accepted" if changed is None else outcome(subject, changed)
            print(number, result.replace("\n", " "), flush=True)


def all_cases(folder, seed, share):
    """Subjects that are saved in a folder, what is in their files, and their cases."""
    for path in sorted(Path(folder).iterdir()):
        data = path.read_bytes()
        for case in cases_of(data, seed, share):
            yield path.stem, data, case


class Result(NamedTuple):
    """What came of a case."""

    subject: str
    case: Case
    outcome: str

    @property
    def is_right(self):
        """Whether there was a result, or an error as it is meant."""
        return self.outcome in ("accepted", "refused", "refused by others")


def try_all(subjects, seed=0, share=1.0):
    """Try the cases of some subjects in processes that may die."""
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            (Path(folder) / f"{subject}.skops").write_bytes(save(subject))
        cases = [(subject, case) for subject, _, case in all_cases(folder, seed, share)]
        outcomes = []
        while len(outcomes) < len(cases):
            first = len(outcomes)
            command = [sys.executable, __file__, "--work", folder, "--first", str(first)]
            command += ["--seed", str(seed), "--share", str(share)]
            outcomes += _outcomes_of(command, len(cases) - first)
    return [Result(*case, found) for case, found in zip(cases, outcomes, strict=True)]


def _outcomes_of(command, n_cases):
    """What a process finds out before it dies, how that ends included."""
    limit = PATIENCE + 1.0 * n_cases
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, check=False
        )
        output, end = process.stdout, f"crash {process.returncode}"
        if process.returncode not in (0, 1) or not output:
            end += " " + process.stderr[-300:]
    except subprocess.TimeoutExpired as error:
        output, end = (error.stdout or b"").decode(), "hang"
    lines = [line.partition(" ") for line in output.splitlines()]
    found = [result for _, _, result in lines if result]
    started = len({number for number, _, _ in lines})
    if started > len(found):
        found.append(end)
    elif not found:
        raise RuntimeError(f"{command} found nothing: {end}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", default=list(SUBJECTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seed, options.share, options.first)
        return 0
    total, n_wrong = Counter(), 0
    groups = [[name] for name in options.subjects]
    if options.share < FEW:  # one process for all
        groups = [[name for name in options.subjects if name not in SLOW]]
    for some in groups:
        start = time.perf_counter()
        results = try_all(some, options.seed, options.share)
        counts = Counter(result.outcome if result.is_right else "WRONG" for result in results)
        for result in results:
            if not result.is_right:
                print(f"  {result.subject}: {result.case} -> {result.outcome}")
        seconds = time.perf_counter() - start
        print(f"{'; '.join(some)}: {dict(counts)}, {seconds:.0f} s", flush=True)
        total += counts
        n_wrong += counts["WRONG"]
    print(f"all: {total.total()} cases, {dict(total)}")
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
