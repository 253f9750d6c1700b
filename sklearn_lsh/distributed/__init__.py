"""Training by many workers, in rounds: by Dask's, or by any executor."""

from sklearn_lsh.distributed.fitting import fit_rounds

__all__ = ["fit_rounds"]
