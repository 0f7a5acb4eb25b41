"""Problems of two weights that can be drawn, and what plain SGD does on them. NumPy only: it runs in the web server."""

from core.landscape.cells import Cell as Cell
from core.landscape.cells import Effect as Effect
from core.landscape.cells import effects as effects
from core.landscape.cells import two_by_two as two_by_two
from core.landscape.contours import contours as contours
from core.landscape.noise import Law as Law
from core.landscape.noise import Measured as Measured
from core.landscape.noise import cloud as cloud
from core.landscape.noise import law as law
from core.landscape.noise import measured as measured
from core.landscape.paths import Statistics as Statistics
from core.landscape.paths import statistics as statistics
from core.landscape.paths import trajectory as trajectory
from core.landscape.plane import Plane as Plane
from core.landscape.plane import principal_plane as principal_plane
from core.landscape.problems import PROBLEMS as PROBLEMS
from core.landscape.problems import Logistic as Logistic
from core.landscape.problems import Problem as Problem
from core.landscape.problems import Quadratic as Quadratic
