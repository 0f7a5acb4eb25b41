"""Turn recorded metrics into frames, and say in Altair how each frame is drawn. No Streamlit, no torch."""

from core.charts.attempts import attempts as attempts
from core.charts.attempts import attempts_table as attempts_table
from core.charts.curve import curve as curve
from core.charts.curve import curve_table as curve_table
from core.charts.curve import log_curve as log_curve
from core.charts.depth import confusion as confusion
from core.charts.depth import confusion_table as confusion_table
from core.charts.depth import gradient as gradient
from core.charts.depth import gradient_table as gradient_table
from core.charts.depth import plane as plane
from core.charts.depth import plane_table as plane_table
from core.charts.depth import rhythm as rhythm
from core.charts.depth import rhythm_table as rhythm_table
from core.charts.loss import log_loss as log_loss
from core.charts.loss import loss as loss
from core.charts.loss import loss_table as loss_table
from core.charts.memory import memory as memory
from core.charts.memory import memory_table as memory_table
from core.charts.memory import rss as rss
from core.charts.memory import rss_table as rss_table
from core.charts.rate import planned_rates as planned_rates
from core.charts.rate import rate as rate
from core.charts.rate import rate_table as rate_table
from core.charts.rate import small_rate as small_rate
from core.charts.timeline import timeline as timeline
from core.charts.timeline import timeline_table as timeline_table
