"""The build: which kernels are compiled, which are picked at import, what is installed."""

import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from sklearn_lsh import __version__, kernels, show_versions
from sklearn_lsh.kernels import _levels, _translate

SHOW_VARIANT = "from sklearn_lsh import kernels; print(kernels.VARIANT)"


def run_python(code, folder=None, wanted=None):
    """Run code in a new interpreter, which sees the installed package or the one in a folder."""
    environment = {k: v for k, v in os.environ.items() if k != kernels.ENVIRONMENT_VARIABLE}
    if folder is not None:
        environment["PYTHONPATH"] = str(folder)
    if wanted is not None:
        environment[kernels.ENVIRONMENT_VARIABLE] = wanted
    # -P: the sources in the current folder are not the installed package.
    return subprocess.run(
        [sys.executable, "-P", "-W", "always", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def uncompiled(tmp_path):
    """Return a folder with a copy of the kernels that was never compiled, as a package."""
    shutil.copytree(
        Path(kernels.__file__).parent,
        tmp_path / "kernels",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
    )
    return tmp_path


def test_best_usable_variant_is_picked():
    result = run_python(SHOW_VARIANT)
    assert result.stdout.split() == [kernels.USABLE[0]]
    assert result.stderr == ""


@pytest.mark.parametrize("variant", kernels.USABLE)
def test_environment_variable_overrides(variant):
    result = run_python(SHOW_VARIANT, wanted=variant)
    assert result.stdout.split() == [variant]
    assert result.stderr == ""


def test_empty_environment_variable_is_none():
    assert run_python(SHOW_VARIANT, wanted="").stdout.split() == [kernels.USABLE[0]]


@pytest.mark.parametrize("wanted", ["fastest", "x86-64-v5", "PYTHON"])
def test_unknown_variant_is_refused(wanted):
    message = rf"variable SKLEARN_LSH_KERNELS is '{wanted}'.*{', '.join(kernels.USABLE)}"
    with pytest.raises(ValueError, match=message):
        kernels._choose(wanted)


def test_unbuilt_variant_is_refused(uncompiled):
    result = run_python("import kernels", folder=uncompiled, wanted="baseline")
    assert result.returncode != 0
    assert "those built (all: none)" in result.stderr.splitlines()[-1]


def test_unsupported_variant_is_refused(monkeypatch):
    monkeypatch.setattr(kernels, "USABLE", ("x86-64-v2", "python"))
    with pytest.raises(ValueError, match=r"'x86-64-v4', but must be one of x86-64-v2, python"):
        kernels._choose("x86-64-v4")


def test_uncompiled_package_warns_once_that_it_is_slow(uncompiled):
    code = "import kernels; print(kernels.VARIANT); from kernels import *; import kernels"
    result = run_python(code, folder=uncompiled)
    assert result.stdout.split() == ["python"]
    assert result.stderr.count("Warning") == 1
    assert "EfficiencyWarning: sklearn_lsh runs without compiled kernels" in result.stderr


def test_uncompiled_package_is_silent_when_asked_for(uncompiled):
    result = run_python("import kernels; print(kernels.VARIANT)", uncompiled, wanted="python")
    assert result.stdout.split() == ["python"]
    assert result.stderr == ""


def test_kernels_of_another_processor_end_the_import(monkeypatch):
    monkeypatch.setattr(kernels, "BUILT", ("x86-64-v4",))
    monkeypatch.setattr(kernels, "USABLE", ("python",))
    with pytest.raises(ImportError, match=r"built for another processor \(x86-64-v4; this one"):
        kernels._choose("")
    assert kernels._choose("python") == "python"


@pytest.mark.parametrize(
    ("missing", "best"),
    [
        (set(), "x86-64-v4"),
        ({"AVX512_SKX"}, "x86-64-v3"),
        ({"FMA3"}, "x86-64-v2"),
        ({"SSE42", "AVX2"}, None),
    ],
)
def test_processor_decides_what_is_supported(missing, best):
    known = set().union(*_levels.LEVELS.values()) - {"X86_V4"}  # which older NumPy did not know
    supported = _levels.find_supported({name: name not in missing for name in known})
    assert (supported or (None,))[0] == best


def test_other_processors_have_no_level():
    assert _levels.find_supported({"NEON": True, "SVE": False}) == ()


def test_build_asks_for_what_the_import_finds():
    done = subprocess.run(
        [sys.executable, _levels.__file__], capture_output=True, text=True, check=True
    )
    assert (*done.stdout.split(), "baseline", "python") == kernels.SUPPORTED


def test_numbered_types_become_members():
    written = [
        "typedef A<x> __type0;",
        "typedef B<__type0> __type1;",
        "typedef __type1 result_type;",
    ]
    named = [
        "struct __type0_ { typedef A<x> type; }; typedef typename __type0_::type __type0;",
        "struct __type1_ { typedef B<__type0> type; }; typedef typename __type1_::type __type1;",
        "typedef __type1 result_type;",
    ]
    assert _translate.name_types("\n".join(written)).splitlines() == named


def test_every_source_is_in_the_build():
    folder = Path(__file__).parents[2] / "sklearn_lsh" / "kernels"
    listed = re.search(r"^kernels = \[(.*?)\]", (folder / "meson.build").read_text(), re.M | re.S)
    sources = {path.stem for path in folder.glob("[!_]*.py")}
    assert set(re.findall(r"'(\w+)'", listed[1])) == sources == set(kernels.SOURCES)


def test_kernel_names_are_unique():
    exported = [name for source in kernels.SOURCES for name in set(kernels._exports(source))]
    assert len(exported) == len(set(exported))
    assert not set(exported) & {*kernels.SOURCES, "load", "BUILT", "SUPPORTED", "USABLE", "VARIANT"}


@pytest.mark.parametrize("variant", kernels.USABLE)
def test_variants_offer_the_same_kernels(variant):
    functions = kernels.load(variant)
    assert functions.keys() == kernels.load("python").keys()
    assert all(callable(function) for function in functions.values())


def test_namespace_holds_the_variant_in_use():
    for name, function in kernels.load(kernels.VARIANT).items():
        assert getattr(kernels, name) is function


def test_kernels_keep_denormal_numbers():
    for variant in kernels.USABLE:
        kernels.load(variant)
    tiny = np.full(3, 1e-40, np.float32)
    assert (tiny * np.float32(0.5) > 0).all()


def test_show_versions_tells_the_kernels(capsys):
    show_versions()
    printed = capsys.readouterr().out
    assert re.search(rf"sklearn_lsh: {re.escape(__version__)}$", printed, re.M)
    assert f"kernels in use: {kernels.VARIANT}\n" in printed
    assert f"best for this processor: {kernels.USABLE[0]}\n" in printed
    assert "numpy: " in printed


def test_package_is_typed():
    assert resources.files("sklearn_lsh").joinpath("py.typed").is_file()
