"""The levels of x86-64 that kernels are compiled for, and which of them this processor runs.

Both the build and the import ask here, so this module needs nothing but NumPy.

    python sklearn_lsh/kernels/_levels.py

prints the levels of this processor, best first.
"""

from collections.abc import Mapping

from numpy._core._multiarray_umath import __cpu_features__

# Best first, and what each needs of the processor beyond those after it, in NumPy's names.
# NumPy's versions know some of the names each.
LEVELS = {
    "x86-64-v4": {"X86_V4", "AVX512_SKX"},
    "x86-64-v3": {"X86_V3", "AVX2", "FMA3", "F16C", "BMI", "BMI2", "LZCNT", "MOVBE"},
    "x86-64-v2": {"X86_V2", "SSE3", "SSSE3", "SSE41", "SSE42", "POPCNT"},
}


def find_supported(features: Mapping[str, bool] = __cpu_features__) -> tuple[str, ...]:
    """Return the levels that a processor with these features runs, best first."""
    supported: list[str] = []
    for level, needed in reversed(LEVELS.items()):
        known = needed & features.keys()
        if not known or not all(features[name] for name in known):
            break
        supported.insert(0, level)
    return tuple(supported)


if __name__ == "__main__":
    print(*find_supported())
