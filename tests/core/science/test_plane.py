"""Compare the plane of the first two principal directions with NumPy's singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from core.science.plane import principal_plane
from core.trajectories.problems import Array


@pytest.fixture
def snapshots() -> Array:
    """Return twelve snapshots of 500 weights that move far in one direction, less in a second, slightly in all."""
    rng = np.random.default_rng(1)
    far, less = rng.standard_normal((2, 500))
    time = np.linspace(0, 1, 12)
    return 3.0 + np.outer(9 * time, far) + np.outer(np.sin(6 * time), less) + 0.05 * rng.standard_normal((12, 500))


def test_the_plane_equals_a_singular_value_decomposition(snapshots: Array) -> None:
    plane = principal_plane(snapshots)
    left, values, right = np.linalg.svd(snapshots - snapshots.mean(0), full_matrices=False)
    signs = np.sign((plane.directions * right[:2]).sum(1))
    np.testing.assert_allclose(plane.directions, signs[:, None] * right[:2], atol=1e-10)
    np.testing.assert_allclose(plane.coordinates, signs * left[:, :2] * values[:2], atol=1e-9)
    np.testing.assert_allclose(plane.shares, values[:2] ** 2 / (values**2).sum(), rtol=1e-10)
    np.testing.assert_array_equal(plane.mean, snapshots.mean(0))
    assert plane.shares[0] > 0.9


def test_directions_are_orthonormal(snapshots: Array) -> None:
    directions = principal_plane(snapshots).directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)


def test_coordinates_are_projections_of_the_snapshots(snapshots: Array) -> None:
    plane = principal_plane(snapshots)
    np.testing.assert_allclose((snapshots - plane.mean) @ plane.directions.T, plane.coordinates, atol=1e-10)


def test_snapshots_in_a_plane_are_fully_explained(snapshots: Array) -> None:
    rng = np.random.default_rng(2)
    flat = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 80)) + 1.0
    plane = principal_plane(flat)
    np.testing.assert_allclose(plane.mean + plane.coordinates @ plane.directions, flat, atol=1e-10)
    assert plane.shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_directions_point_from_the_first_snapshot_to_the_last(
    snapshots: Array, sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, vectors = np.linalg.eigh((snapshots - snapshots.mean(0)) @ (snapshots - snapshots.mean(0)).T)
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: (values, sign * vectors))
    plane = principal_plane(snapshots)
    assert (plane.coordinates[-1] > plane.coordinates[0]).all()
    np.testing.assert_allclose((snapshots - plane.mean) @ plane.directions.T, plane.coordinates, atol=1e-10)


def test_two_snapshots_have_one_direction_and_one_or_equal_ones_have_none() -> None:
    two = principal_plane(np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]]))
    np.testing.assert_allclose(two.directions, [[0.6, 0.0, 0.8], [0.0, 0.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(two.coordinates, [[-2.5, 0.0], [2.5, 0.0]], atol=1e-12)
    assert two.shares.tolist() == [1.0, 0.0]
    for same in (np.ones((1, 4)), np.ones((3, 4))):
        plane = principal_plane(same)
        assert not plane.directions.any()
        assert not plane.coordinates.any()
        assert plane.shares.tolist() == [0.0, 0.0]


def test_snapshots_along_a_line_have_no_second_direction() -> None:
    rng = np.random.default_rng(3)
    line = np.outer(rng.standard_normal(20), rng.standard_normal(300)) + rng.standard_normal(300)
    plane = principal_plane(line)
    assert plane.shares[0] == pytest.approx(1.0)
    assert plane.shares[1] == 0.0
    assert not plane.directions[1].any()
    assert not plane.coordinates[:, 1].any()


def test_float32_weights_are_processed_in_float64(snapshots: Array) -> None:
    single = snapshots.astype(np.float32)
    plane, expected = principal_plane(single), principal_plane(single.astype(np.float64))
    assert plane.coordinates.dtype == np.float64
    np.testing.assert_array_equal(plane.coordinates, expected.coordinates)


@pytest.mark.parametrize(
    ("given", "words"),
    [(np.zeros((0, 3)), "n from 1"), (np.zeros(3), "n from 1"), (np.array([[1.0, np.nan]]), "finite")],
)
def test_missing_or_non_finite_snapshots_are_refused(given: Array, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        principal_plane(given)
