"""Reservation values of costly looks (Weitzman 1979) for Gaussian qualities.

Q ~ N(mu, s^2) is the post-hoc estimate as seen before the run; a run costs ``price`` = lambda * c in units of
quality. The reservation value z solves E[(Q - z)^+] = price. With G(a) = phi(a) - a * Phi(-a) = E[(Z - a)^+]:

* z = mu + s * Ginv(price / s), and where quality is capped, min(Q, cap),
  z = mu + s * Ginv(price / s + G((cap - mu) / s)) <= cap - price;
* s = 0: z = min(mu, cap) - price;
* price = 0, s > 0: z = +inf, with a cap z = cap (nothing above it exists to be looked for).

Preconditions: finite means, 0 <= s, 0 <= price, arrays that broadcast against each other.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from penstock.core import normal
from penstock.types import FloatArray

LOWEST: Final = -64.0
"""log G below which the asymptotic series replaces the table."""
PER_UNIT: Final = 128
"""Table points per unit of log G."""
HIGHEST: Final = 8.0
"""G above which Ginv(v) = -v, exact in double precision."""
LOSS_RANGE: Final = 8.0
LOSS_PER_UNIT: Final = 64
"""``screening_tables``: G between -8 and 8."""
OCTAVES: Final = (-30, 3)
OCTAVE_BITS: Final = 6
"""``screening_tables``: Ginv(v) for v from 2^-30 to 2^3, 2^6 pieces to an octave."""
SCREENING_ERROR: Final = 3e-4
"""Standard deviations by which a value from ``screening_tables`` may be wrong: a chord of G is at most
(1/64)^2 / 8 * phi(b) too high, which moves Ginv by phi / Phi(-b) times as much, less than 6.5 where
v > 2^-30; a chord of Ginv is at most 2^-12 / 8 * max v^2 Ginv''(v) < 2e-5 too high."""
LARGE: Final = 1e300
"""Beyond every value; finite."""
LEAST_SD: Final = 1e-12
"""Standard deviations below this are none."""


def loss(a: FloatArray) -> FloatArray:
    """G(a) = E[(Z - a)^+] of a standard normal Z."""
    a = np.asarray(a, dtype=float)
    value: FloatArray = normal.pdf(a) - a * normal.cdf(-a)
    # far out the difference of nearly equal terms loses its digits; G >= 0
    return np.maximum(value, 0.0)


def inverse_loss(value: FloatArray) -> FloatArray:
    """a with G(a) = value, to 1e-9 (1e-7 where value < e^-64); +inf for 0. Precondition: value >= 0."""
    v = np.asarray(value, dtype=float)
    a = np.array(-v)
    with np.errstate(divide="ignore"):
        t = np.asarray(np.log(v))
    middle = (t >= LOWEST) & (v < HIGHEST)
    if middle.any():
        nodes, slopes = inverse_table()
        x = (t[middle] - LOWEST) * PER_UNIT
        i = np.minimum(x.astype(np.int64), len(nodes) - 2)
        u = x - i
        w = 1 - u
        a[middle] = (
            nodes[i] * w * w * (1 + 2 * u)
            + nodes[i + 1] * u * u * (3 - 2 * u)
            + u * w * (slopes[i] * w - slopes[i + 1] * u)
        )
    low = t < LOWEST
    if low.any():
        a[low] = far_tail(t[low])
    return a


def reservation_values(
    mean: FloatArray, sd: FloatArray, price: FloatArray, *, cap: float | None = None
) -> FloatArray:
    """z of every candidate, the shape of the broadcast arguments; ``cap`` is the highest quality there is."""
    mean, sd, price = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (mean, sd, price)))
    spread = np.maximum(sd, LEAST_SD)
    value = price / spread
    if cap is not None:
        value = value + loss((cap - mean) / spread)
    with np.errstate(over="ignore"):
        z = mean + spread * inverse_loss(value)
    sure = mean if cap is None else np.minimum(mean, cap)
    z = np.where(price > 0, z, np.inf)
    z = np.where(sd < LEAST_SD, sure - price, z)
    return z if cap is None else np.minimum(z, cap - price)


@cache
def inverse_table() -> tuple[FloatArray, FloatArray]:
    """Ginv and its slope per table step at t = log v, t = LOWEST + i / PER_UNIT: cubic Hermite nodes."""
    t = LOWEST + np.arange(int((np.log(HIGHEST) - LOWEST) * PER_UNIT) + 2) / PER_UNIT
    target = np.exp(t)
    low, high = np.full_like(t, -HIGHEST - 2), np.full_like(t, 40.0)
    for _ in range(60):
        middle = (low + high) / 2
        above = loss(middle) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    a = (low + high) / 2
    slope = -target / normal.cdf(-a) / PER_UNIT
    a.setflags(write=False)
    slope.setflags(write=False)
    return a, slope


@cache
def screening_tables() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Chords: intercepts and slopes of G in pieces of 1 / LOSS_PER_UNIT, then of Ginv in pieces of octaves.

    The pieces of Ginv follow the bits of a double, so that finding one takes no logarithm. Above the last
    pieces G is 0 and Ginv(v) = -v; the first piece of Ginv, which stands for all below, is out of reach.
    """
    b = np.arange(-LOSS_RANGE * LOSS_PER_UNIT, LOSS_RANGE * LOSS_PER_UNIT + 1) / LOSS_PER_UNIT
    g = loss(b)
    slope = np.append(np.diff(g) * LOSS_PER_UNIT, 0.0)
    intercept = g - slope * b
    first, last = (1023 + octave << OCTAVE_BITS for octave in OCTAVES)
    v = (np.arange(first, last + 1) << 52 - OCTAVE_BITS).view(np.float64)
    a = inverse_loss(v)
    fall = np.append(np.diff(a) / np.diff(v), -1.0)
    start = a - fall * v
    start[0], start[-1] = LARGE, 0.0
    tables = (intercept, slope, start, fall)
    for table in tables:
        table.setflags(write=False)
    return tables


def far_tail(t: FloatArray) -> FloatArray:
    """Ginv(exp(t)) for very negative t by Newton's method on G's asymptotic series; +inf at -inf."""
    finite = np.maximum(t, -1e300)
    a = np.sqrt(-2 * finite)
    for _ in range(6):
        b = 1 / (a * a)
        series = 1 - b * (3 - b * (15 - b * (105 - b * 945)))
        value = -0.5 * a * a - np.log(normal.ROOT_TWO_PI * a * a) + np.log(series)
        a = a + (value - finite) / (a + 2 / a)
    return np.where(np.isneginf(t), np.inf, a)
