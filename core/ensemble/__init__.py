"""Train many runs of one shape at once, such as the seeds, rates and schedules of an experiment."""

from core.ensemble.ensemble import Ensemble, Evaluation, Step
from core.ensemble.suitability import problem_with

__all__ = ["Ensemble", "Evaluation", "Step", "problem_with"]
