"""Translate a kernel into C++ that is soon compiled.

    python sklearn_lsh/kernels/_translate.py kernel.py kernel.cpp

The build asks here; its Pythran does the work. The machine code is the same as without what is done
here, in half the time.
"""

import re
import sys
from pathlib import Path

# Passes of Pythran that search all paths through a function for what an index may be. They find
# nothing in these kernels, and take up to half of a translation.
SKIPPED = {"pythran.optimizations.ModIndex", "pythran.optimizations.RangeBasedSimplify"}

TYPEDEF = re.compile(r"\btypedef (.+) (__type\d+);$", re.MULTILINE)
MEMBER = r"struct \2_ { typedef \1 type; }; typedef typename \2_::type \2;"


def name_types(translated: str) -> str:
    """Return C++ in which each type that Pythran has numbered is the member of a struct.

    Pythran writes the type of each expression as a typedef over those of its parts. Where a typedef
    is argument of a template, the compiler puts what it stands for in its place, and so on down to
    the arguments of the function: such types of types grow exponentially, and working them out was
    most of a compilation. Members are not replaced.
    """
    return TYPEDEF.sub(MEMBER, translated)


def translate(source: str, target: str) -> None:
    """Translate the kernels of a file."""
    import pythran  # which only the build has

    passes = pythran.config.cfg.get("pythran", "optimizations").split()
    passes = [name for name in passes if name not in SKIPPED]
    pythran.compile_pythranfile(source, target, cpponly=True, opts=passes)
    path = Path(target)
    path.write_text(name_types(path.read_text()))


if __name__ == "__main__":
    translate(*sys.argv[1:])
