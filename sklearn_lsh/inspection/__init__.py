"""Pictures of networks and hash tables, in the manner of scikit-learn's displays.

A display is made by a class method from something fitted, keeps the numbers that it shows as
attributes, and can be drawn again by `plot`. Matplotlib is needed only then.
"""

from sklearn_lsh.inspection.networks import ActiveNeuronsDisplay, TrainingCurveDisplay
from sklearn_lsh.inspection.searches import DensityDisplay
from sklearn_lsh.inspection.tables import BucketOccupancyDisplay, CollisionProbabilityDisplay

__all__ = [
    "ActiveNeuronsDisplay",
    "BucketOccupancyDisplay",
    "CollisionProbabilityDisplay",
    "DensityDisplay",
    "TrainingCurveDisplay",
]
