"""Reservation values against the equation they solve, by numerical integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core import reservation
from penstock.core.reservation import inverse_loss, loss, reservation_values

integrate = pytest.importorskip("scipy.integrate")
stats = pytest.importorskip("scipy.stats")


def expected_excess(mean, sd, z, cap):
    """E[(min(Q, cap) - z)^+] by numerical integration."""
    top = mean + 12 * sd if cap is None else min(cap, mean + 12 * sd)
    body = integrate.quad(lambda t: stats.norm.sf(t, mean, sd), z, max(z, top), limit=200, epsabs=1e-13)[0]
    return body


def test_loss_is_the_expected_excess():
    for a in (-6.0, -1.5, 0.0, 0.3, 2.0, 5.0):
        np.testing.assert_allclose(
            loss(np.array(a)), expected_excess(0.0, 1.0, a, None), rtol=1e-7, atol=1e-12
        )


def test_inverse_loss_inverts_it_over_the_whole_range():
    a = np.linspace(-30, 10, 4001)
    np.testing.assert_allclose(inverse_loss(loss(a)), a, atol=1e-9)
    far = np.linspace(10, 36, 400)
    np.testing.assert_allclose(inverse_loss(loss(far)), far, atol=1e-7)


def test_inverse_loss_falls_and_ends_at_infinity():
    v = np.concatenate([[0.0], np.exp(np.linspace(-700, 5, 20_001))])
    a = inverse_loss(v)
    assert a[0] == np.inf
    assert (np.diff(a) < 0).all()


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.5, 1.5), st.floats(1e-3, 1.0), st.floats(1e-6, 3.0), st.sampled_from([None, 1.0, 0.8]))
def test_a_reservation_value_solves_its_equation(mean, sd, price, cap):
    z = float(reservation_values(np.array(mean), np.array(sd), np.array(price), cap=cap))
    if cap is not None:
        assert z <= cap - price
    low = min(z, mean - 12 * sd)
    # E[(Q - z)^+] from far below is E[Q] - z; the quadrature is asked only for the curved part
    start = max(z, mean - 12 * sd)
    excess = (
        expected_excess(mean, sd, start, cap) + (start - z) * (start > z) if cap is None or cap > low else 0
    )
    if cap is not None and start >= cap:
        return
    assert excess == pytest.approx(price, rel=1e-6, abs=1e-8)


def test_limits():
    mean, zero = np.array([0.4, 1.3]), np.zeros(2)
    np.testing.assert_allclose(reservation_values(mean, zero, zero + 0.1), mean - 0.1)
    np.testing.assert_allclose(reservation_values(mean, zero, zero + 0.1, cap=1.0), [0.3, 0.9])
    assert (reservation_values(mean, zero + 0.2, zero) == np.inf).all()
    np.testing.assert_array_equal(reservation_values(mean, zero + 0.2, zero, cap=1.0), [1.0, 1.0])
    # a price far above the spread leaves the mean less the price
    np.testing.assert_allclose(reservation_values(mean, zero + 0.01, zero + 9.0), mean - 9.0)


def test_a_small_spread_tends_to_none():
    mean, price = np.linspace(-0.2, 1.2, 29), np.full(29, 0.05)
    for cap in (None, 1.0):
        certain = reservation_values(mean, np.zeros(29), price, cap=cap)
        for sd in (1e-6, 1e-9, 1e-13):
            near = reservation_values(mean, np.full(29, sd), price, cap=cap)
            np.testing.assert_allclose(near, certain, atol=1e-5)


def test_a_cap_out_of_reach_changes_nothing():
    mean, sd, price = np.full(5, 0.2), np.full(5, 0.05), np.geomspace(1e-4, 1, 5)
    np.testing.assert_allclose(
        reservation_values(mean, sd, price, cap=1.0), reservation_values(mean, sd, price), atol=1e-9
    )


def test_the_table_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        reservation.inverse_table()[0][0] = 0
