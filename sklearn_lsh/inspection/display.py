"""What all displays share: where they draw. Matplotlib is imported only here, and only then."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

# Width and height of each of several panels side by side, in inches.
PANEL_SIZE = (4, 3.6)


class Display(ABC):
    """Base of the displays that draw on a single pair of axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn last.
    figure_ : matplotlib Figure
        Figure with the axes.
    """

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            Where to draw; by default in a new figure. See `from_estimator`.
        **kwargs : dict
            Passed on to Matplotlib, as by `from_estimator`.

        Returns
        -------
        display : Display
            The display itself.
        """
        self._set_axes(ax)
        self._draw(**kwargs)
        return self

    def _set_axes(self, ax):
        self.ax_ = make_axes()[0] if ax is None else ax
        self.figure_ = self.ax_.figure

    @abstractmethod
    def _draw(self, **kwargs):
        """Draw on the axes."""


def make_axes(n_panels=1):
    """Make axes side by side in a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Drawing a display needs matplotlib: pip install matplotlib") from error
    width, height = PANEL_SIZE
    size = plt.rcParams["figure.figsize"] if n_panels == 1 else (n_panels * width, height)
    return plt.subplots(1, n_panels, squeeze=False, figsize=size, layout="constrained")[1][0]
