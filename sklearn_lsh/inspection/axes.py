"""Where displays draw. Matplotlib is imported only here, and only when something is drawn."""


def make_axes(n_panels=1):
    """Make axes side by side in a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Drawing a display needs matplotlib: pip install matplotlib") from error
    size = plt.rcParams["figure.figsize"] if n_panels == 1 else (4 * n_panels, 3.6)
    return plt.subplots(1, n_panels, squeeze=False, figsize=size, layout="constrained")[1][0]
