"""Formulas as MathML, which browsers show by themselves: no script, no network."""

from docutils.utils.math import pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml


def _inline(writer, node):
    writer.body.append(tex2mathml(node.astext(), as_block=False))
    _skip()


def _block(writer, node):
    text = node.astext()
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
