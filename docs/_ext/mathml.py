"""Formulas as MathML, which browsers show by themselves: no script, no network."""

import re

from docutils.utils.math import pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml


def _source(node):
    """The formula without sizes of brackets, which MathML chooses itself."""
    return re.sub(r"\\[bB]igg?[lr]?(?![a-zA-Z])", "", node.astext())


def _inline(writer, node):
    writer.body.append(tex2mathml(_source(node), as_block=False))
    _skip()


def _block(writer, node):
    text = _source(node)
    environment = pick_math_environment(text)
    if environment.startswith("align"):
        text = rf"\begin{{{environment}}}{text}\end{{{environment}}}"
    formula = tex2mathml(text, as_block=True)
    writer.body.append(f'<div class="math" tabindex="0" role="group">{formula}</div>\n')
    _skip()


def _skip():
    from docutils.nodes import SkipNode

    raise SkipNode


def setup(app):
    """Become the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
