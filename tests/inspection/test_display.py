"""Where displays draw: in the axes that are given, or in a new figure."""

import pytest

from sklearn_lsh.inspection.display import PANEL_SIZE, Display, make_axes

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")
matplotlib.use("agg")


class Line(Display):
    def _draw(self, **kwargs):
        self.ax_.plot([0, 1], **kwargs)


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def test_drawn_in_a_new_figure():
    display = Line()
    assert display.plot(color="red") is display
    assert display.figure_ is display.ax_.figure
    assert display.ax_.lines[0].get_color() == "red"
    first = display.ax_
    assert display.plot().ax_ is not first


def test_drawn_where_it_is_told():
    figure, axes = plt.subplots(1, 2)
    display = Line().plot(ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert [len(ax.lines) for ax in axes] == [0, 1]


@pytest.mark.parametrize("n_panels", [1, 3])
def test_panels_stand_side_by_side(n_panels):
    axes = make_axes(n_panels)
    assert axes.shape == (n_panels,)
    width, height = PANEL_SIZE
    expected = (3 * width, height) if n_panels == 3 else plt.rcParams["figure.figsize"]
    assert tuple(axes[0].figure.get_size_inches()) == pytest.approx(tuple(expected))


def test_the_base_draws_nothing():
    with pytest.raises(TypeError, match="abstract"):
        Display()
