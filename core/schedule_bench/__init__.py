"""Train one problem under every schedule, each at a peak rate tuned for it, and compare where they end. No torch here.

Softmax regression on the mixture of Gaussians: convex, so that "near the optimum" is a number. Examples are drawn one
by one and put back, as the exact expectation behind each curve assumes it (`core.schedule_bench.quadratic`); shuffled
epochs would end lower (Ying et al. 2018). All arms of a batch size see equally many examples.
"""

from core.run.choices.datasets import DATASETS
from core.run.choices.schedules import SCHEDULES

EXAMPLES = DATASETS["mixture"].examples
DIRECTIONS = DATASETS["mixture"].outputs * DATASETS["mixture"].input_shape[0]  # weights
WEIGHT_DECAY = 1e-3  # that of `core.science.convex.MIXTURE`
EPOCHS = 16  # enough for a plateau to be noticed: three evaluations without a better one, several times over
BATCH_SIZES = (16, 64, 256)
SEEDS, TUNING_SEEDS = 10, 3  # the rate is tuned on seeds of its own

CONSTANT = "constant"
DECAYS = tuple(code for code, spec in SCHEDULES.items() if spec.is_decay)
FEEDBACK = tuple(code for code, spec in SCHEDULES.items() if spec.is_feedback)
RAMP = "ramp"  # the batch grows where the rate would fall (Smith et al. 2018)
TWIN = "twin"  # and the rate falls by as much instead; trained only beside the ramp, at its peak
ARMS = (*SCHEDULES, RAMP)

RATES = tuple(2.0**power for power in range(-3, 8))  # tried for every arm
ONE_RATE = 8.0  # where all arms of all batch sizes have the same peak
