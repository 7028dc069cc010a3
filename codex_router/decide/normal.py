"""The normal distribution, vectorised: numpy has none, and scipy is too heavy a dependency for two functions."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Hart's double precision approximation (Computer Approximations, 1968, algorithm 5666), in the form given by
# West, "Better approximations to cumulative normal functions", Wilmott magazine, 2005. Highest power first.
_UPPER = (
    3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
    220.206867912376,
)  # fmt: skip
_LOWER = (
    8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
    793.826512519948, 440.413735824752,
)  # fmt: skip
FAR = 7.07106781186547
"""Beyond this the continued fraction would be needed; the tail below 1e-12 is taken as that at this point, fading."""
_inverse = np.frompyfunc(NormalDist().inv_cdf, 1, 1)


def cdf(x: Array) -> Array:
    """Return P(Z <= x) of a standard normal Z, to about 1e-12 in absolute terms."""
    z = np.abs(x)
    near = np.minimum(z, FAR)
    tail = np.exp(-0.5 * z * z) * np.polyval(_UPPER, near) / np.polyval(_LOWER, near)
    return np.asarray(np.where(x > 0, 1 - tail, tail))


def quantile(p: Array) -> Array:
    """Return the x with P(Z <= x) = p; p is kept within 1e-9 of 0 and 1 (Wichura's algorithm AS 241)."""
    return np.asarray(_inverse(np.clip(p, 1e-9, 1 - 1e-9)), dtype=float)


@cache
def nodes(count: int) -> tuple[Array, Array]:
    """Return points and weights of Gauss-Hermite quadrature for a standard normal variable."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return points, weights / weights.sum()
