"""Settings of the documentation's build.

    sphinx-build -W -b html docs docs/_build/html

builds it without a network. With ``DOCS_INTERSPHINX=1`` links into scikit-learn's and NumPy's
documentation are made, too, for which their inventories are fetched.
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (an example has it)

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "sklearn_lsh"
author = "The sklearn_lsh developers"
copyright = author
release = version_of("sklearn_lsh")
version = ".".join(release.split(".")[:2])

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # In docs/_ext: names for links, formulas as MathML, pictures and tables from the benchmarks,
    # pages of all public names.
    "accessibility",
    "mathml",
    "pages",
    "reference",
]
if os.environ.get("DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "sklearn": ("https://scikit-learn.org/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "joblib": ("https://joblib.readthedocs.io/en/stable", None),
    }

exclude_patterns = ["_build", "generated/fragments", "**sg_execution_times.rst"]
default_role = "literal"
toc_object_entries_show_parents = "hide"
nitpicky = True
# Links that lead out of this site are links only with intersphinx.
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|numpy|scipy|joblib|matplotlib)\..*")]

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist", "attrs_inline"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv %s")}
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "reset_argv": "gallery.arguments",
    "abort_on_example_error": True,
    "doc_module": ("sklearn_lsh",),
    "backreferences_dir": "generated/backreferences",
    "within_subsection_order": "gallery.place",
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
    "download_all_examples": False,
    "matplotlib_animations": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_lsh"
html_static_path = ["_static"]
html_css_files = ["style.css"]
templates_path = ["_templates"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "questions": [], "release_notes": []}
html_theme_options = {
    "logo": {"text": "sklearn_lsh"},
    "show_nav_level": 2,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
