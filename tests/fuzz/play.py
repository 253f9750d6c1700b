"""One worker: plays cases of a part, and tells of each.

Its lines are ``case SEED``, before, and ``done`` with the counts or ``finding`` with what was
wrong, after. A last ``case`` without either is what the process died of.
"""

import argparse
import faulthandler
import importlib.util
import json
import os
import random
import signal
import traceback
import warnings
import zlib

import numpy as np

from .judge import Caller, Finding

PARTS = ["estimators", "streams", "families", "tables", "sampler", "neighbors", "memory"]
PARTS += ["metrics", "readers"]
if importlib.util.find_spec("torch"):
    PARTS += ["torch_layer", "torch_memory"]


def play(part, seed, verbose=False):
    """Play a case; return its calls, and what is wrong, if anything."""
    np.random.seed(seed % 2**32)  # noqa: NPY002  what random_state=None takes
    random.seed(seed)
    call = Caller(np.random.default_rng((zlib.crc32(part.encode()), seed)), verbose)
    module = importlib.import_module(f".{part}", __package__)
    try:
        module.play(call)
    except Finding as finding:
        return call, f"{call.latest}: {finding}"
    except Exception:
        return call, f"{call.latest}: the fuzzer: {traceback.format_exc()}"
    return call, None


def work(part, seed, n_calls, out):
    """Play cases until so many calls are made."""
    importlib.import_module(f".{part}", __package__)  # what is missing is missing in all cases
    while n_calls > 0:
        print(f"case {seed}", file=out, flush=True)
        call, wrong = play(part, seed)
        counts = {name: (n, call.refusals[name]) for name, n in call.calls.items()}
        print("done", json.dumps([counts, wrong]), file=out, flush=True)
        n_calls -= max(1, call.calls.total())
        seed += 1


def main():
    """Run as a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part")
    parser.add_argument("seed", type=int)
    parser.add_argument("n_calls", type=int)
    given = parser.parse_args()
    faulthandler.enable()
    for number in {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}.values():
        faulthandler.register(number, chain=True)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # estimators print
    warnings.simplefilter("ignore")
    work(given.part, given.seed, given.n_calls, out)


if __name__ == "__main__":
    main()
