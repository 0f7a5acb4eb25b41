"""Many runs of one shape trained at once: seeds, rates and schedules of one arm of an experiment together."""

from core.ensemble.ensemble import Ensemble, Evaluation, Step
from core.ensemble.suitability import problem_with

__all__ = ["Ensemble", "Evaluation", "Step", "problem_with"]
