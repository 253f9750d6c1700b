"""Pictures of the pages, drawn anew in each build, and the form they have.

They come from the benchmarks' results, which are never copied by hand, and from small programs
that draw what the texts explain. In a page,

    :::{picture} name
    :alt: What is to be seen, for those who do not see it.

    The caption.
    :::

shows a picture in the colours of the light or the dark theme.
"""

from functools import wraps
from typing import NamedTuple

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.figure import Figure
from reports import DOCS, MISSING, results
from sphinx.util.docutils import SphinxDirective

PICTURES = DOCS / "generated" / "pictures"

# Okabe and Ito's colours, which all readers can tell apart, darker or lighter for the background.
THEMES = {
    "light": {"text": "#222832", "faint": "#d8dde3", "cycle": ["#0068a8", "#b84a00", "#5f6670"]},
    "dark": {"text": "#d6dde4", "faint": "#3f4851", "cycle": ["#5cc1f4", "#ffa15c", "#b4bcc6"]},
}

# What is drawn: functions without arguments that return a figure, by the names of the pictures.
PICTURED = {}


def picture(size, of=None):
    """Register a function that draws on a figure of this size, in inches.

    It is called with the figure and, if the picture is ``of`` a benchmark, with its report. Where
    that has not been run, the picture says so.
    """

    def register(draw):
        @wraps(draw)
        def make():
            report = () if of is None else (results(of),)
            if None in report:
                figure = Figure(figsize=(6, 1))
                note = MISSING.strip("*\n")
                figure.text(0.5, 0.5, note, ha="center", va="center", style="italic")
            else:
                figure = Figure(figsize=size, layout="constrained")
                draw(figure, *report)
            return figure

        PICTURED[draw.__name__] = make
        return draw

    return register


def draw_all():
    """Draw all pictures for both themes."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in PICTURED:
        for theme in THEMES:
            save(name, theme, PICTURES / f"{name}-{theme}.svg")


def save(name, theme, path, ground="none", **metadata):
    """Draw a picture for a theme, on a ground of some colour, and write it to a file."""
    with mpl.rc_context(_look(THEMES[theme])):
        PICTURED[name]().savefig(
            path, facecolor=ground, bbox_inches="tight", metadata={"Date": None, **metadata}
        )


def _look(colours):
    text, faint = colours["text"], colours["faint"]
    return {
        "axes.prop_cycle": mpl.cycler(color=colours["cycle"]),
        "axes.edgecolor": text,
        "axes.facecolor": "none",
        "axes.labelcolor": text,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "font.size": 10.5,
        "grid.color": faint,
        "legend.frameon": False,
        "svg.hashsalt": "sklearn_lsh",
        "text.color": text,
        "xtick.color": text,
        "ytick.color": text,
    }


# -- what many pictures have --------------------------------------------------------------


class Line(NamedTuple):
    """What a network or a set is called, and what its line looks like."""

    label: str
    style: dict


def as_percent(value, _):
    """A share on an axis."""
    return f"{100 * value:g}%"


def plainly(value, _):
    """A number on a logarithmic axis, as people write it."""
    return f"{value:g}"


def show_seconds(axes):
    """Seconds of training on a logarithmic axis."""
    axes.set(xscale="log", xlabel="seconds of training")
    axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(plainly)
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())


def legend_below(figure, **settings):
    """One legend for all panels."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    figure.legend(lines.values(), lines, loc="outside lower center", **settings)


# -- Sphinx -------------------------------------------------------------------------------


class PictureDirective(SphinxDirective):
    """A picture in the colours of the theme, with a caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        """Return an image for each theme, of which one is shown, and the caption."""
        name = self.arguments[0]
        box = nodes.container(classes=["picture"])
        for theme in THEMES:
            uri = f"/generated/pictures/{name}-{theme}.svg"
            classes = [f"only-{theme}", "drawn"]
            box += nodes.image(uri=uri, alt=self.options["alt"], classes=classes)
        caption = nodes.container(classes=["picture-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        if self.content:
            box += caption
        return [box]
