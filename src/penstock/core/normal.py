"""The standard normal distribution on NumPy alone: the gateway has no SciPy.

Preconditions: no NaN.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from penstock.types import FloatArray

ROOT_TWO_PI: Final = float(np.sqrt(2 * np.pi))

# Hart (1968) 5666 as arranged by West, "Better approximations to cumulative normal functions" (2005).
CDF_TOP: Final = (
    3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
    221.213596169931, 220.206867912376,
)  # fmt: skip
CDF_BOTTOM: Final = (
    8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
    637.333633378831, 793.826512519948, 440.413735824752,
)  # fmt: skip
_TAIL: Final = 4.0
"""From here on the upper tail is its continued fraction."""

# Wichura (1988), Algorithm AS 241, PPND16: centre, middle and tails; highest power first.
_CENTRE: Final = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE: Final = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR: Final = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def pdf(x: FloatArray) -> FloatArray:
    """Density of the standard normal."""
    density: FloatArray = np.exp(-0.5 * x * x) / ROOT_TWO_PI
    return density


def cdf(x: FloatArray) -> FloatArray:
    """P(Z <= x), to 1e-12 relative down to the smallest numbers."""
    x = np.asarray(x, dtype=float)
    size = np.minimum(np.abs(x), 39.0)
    bell = np.exp(-0.5 * size * size)
    near = np.minimum(size, _TAIL)
    upper = bell * _horner(CDF_TOP, near) / _horner(CDF_BOTTOM, near)
    if (size >= _TAIL).any():
        far = np.maximum(size, _TAIL)
        fraction = far
        for step in range(40, 0, -1):
            fraction = far + step / fraction
        upper = np.where(size >= _TAIL, bell / (fraction * ROOT_TWO_PI), upper)
    return np.where(x > 0, 1.0 - upper, upper)


def inverse_cdf(p: FloatArray) -> FloatArray:
    """x with P(Z <= x) = p, to 1e-15 relative (AS 241); 0 and 1 give the infinities."""
    p = np.asarray(p, dtype=float)
    q = p - 0.5
    square = 0.180625 - np.where(np.abs(q) <= 0.425, q * q, 0.0)
    x: FloatArray = np.asarray(q) * _horner(_CENTRE[0], square) / _horner(_CENTRE[1], square)
    outside = np.abs(q) > 0.425
    if outside.any():
        with np.errstate(divide="ignore"):
            r = np.sqrt(-np.log(np.minimum(p[outside], 1.0 - p[outside])))
        finite = np.minimum(r, 40.0)
        near, far = np.minimum(finite, 5.0) - 1.6, np.maximum(finite, 5.0) - 5.0
        middle = _horner(_MIDDLE[0], near) / _horner(_MIDDLE[1], near)
        tail = np.where(r <= 5.0, middle, _horner(_FAR[0], far) / _horner(_FAR[1], far))
        x[outside] = np.sign(q[outside]) * np.where(np.isinf(r), np.inf, tail)
    return x


def _horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    value: FloatArray = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
