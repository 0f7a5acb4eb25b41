"""List the arms of the bench, the batch sizes and the rates tried. No torch.

Examples are drawn one by one with replacement, which the exact expectation in `core.schedule_bench.quadratic` assumes;
shuffled epochs would end lower (Ying et al. 2018). All arms of a batch size see the same number of examples.
"""

from __future__ import annotations

from core.run.choices.datasets import DATASETS
from core.run.choices.schedules import SCHEDULES

EXAMPLES = DATASETS["mixture"].examples
DIRECTIONS = DATASETS["mixture"].outputs * DATASETS["mixture"].input_shape[0]  # weights
WEIGHT_DECAY = 1e-3  # the value of `core.science.convex.MIXTURE`, which loads torch
EPOCHS = 16  # a plateau needs three evaluations without improvement; this leaves time for several
BATCH_SIZES = (16, 64, 256)
SEEDS, TUNING_SEEDS = 10, 3  # the tuning seeds differ from the seeds of the bench

CONSTANT = "constant"
DECAYS = tuple(code for code, spec in SCHEDULES.items() if spec.is_decay)
FEEDBACK = tuple(code for code, spec in SCHEDULES.items() if spec.is_feedback)
RAMP = "ramp"  # grows the batch where a schedule would lower the rate (Smith et al. 2018)
TWIN = "twin"  # lowers the rate by the same factors instead; trained only as the ramp's control, at its peak
ARMS = (*SCHEDULES, RAMP)

RATES = tuple(2.0**power for power in range(-3, 8))  # every arm tries all of them
ONE_RATE = 8.0  # the peak of all arms where they share one
