"""Contour lines: where they lie and how far out they reach."""

from __future__ import annotations

import numpy as np
import pytest

from core.trajectories.contours import contours
from core.trajectories.problems import PROBLEMS, LossSurface, quadratic


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> LossSurface:
    return PROBLEMS[request.param]()


def test_a_line_has_one_loss_which_grows_with_the_square_of_its_number(problem: LossSurface) -> None:
    lines = contours(problem, 6, 16)
    assert lines.shape == (6, 16, 2)
    above = problem.loss(lines) - problem.loss(problem.optimum)
    np.testing.assert_allclose(above / above[:, :1], 1.0, rtol=1e-9)
    np.testing.assert_allclose(above[:, 0] / above[-1, 0], (np.arange(1, 7) / 6) ** 2, rtol=1e-9)


def test_the_lines_of_a_quadratic_are_evenly_spaced_ellipses() -> None:
    problem = quadratic()
    lines = contours(problem, 5, 24)
    np.testing.assert_allclose(lines[3], 4 * lines[0], atol=1e-9)
    lengths = np.linalg.norm(lines[0], axis=1)
    assert lengths.max() / lengths.min() == pytest.approx(np.sqrt(10), rel=1e-9)


def test_a_line_goes_once_around_the_optimum(problem: LossSurface) -> None:
    for line in contours(problem):
        x, y = (line - problem.optimum).T
        turns = np.diff(np.unwrap(np.arctan2(y, x)))
        assert (turns > 0).all() or (turns < 0).all()
        assert abs(turns.sum()) < 2 * np.pi


def test_the_last_line_lies_beyond_any_chart(problem: LossSurface) -> None:
    window = problem.window
    outermost = problem.loss(contours(problem)[-1][0])
    width, height = window.right - window.left, window.top - window.bottom
    x, y = (window.left + window.right) / 2, (window.bottom + window.top) / 2
    for across, up in ((1.7, 1.0), (1.0, 2.2)):  # a wide chart, and one on a phone
        corners = np.array([[x + a * across * width / 2, y + b * up * height / 2] for a in (-1, 1) for b in (-1, 1)])
        assert (problem.loss(corners) <= outermost * (1 + 1e-9)).all()


def test_lines_are_computed_once_and_read_only(problem: LossSurface) -> None:
    assert contours(problem) is contours(problem)
    with pytest.raises(ValueError, match="read-only"):
        contours(problem)[0, 0, 0] = 1.0
