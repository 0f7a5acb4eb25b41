"""Draw the article's two pictures, a small batch and a large one on the way to the optimum, and what makes them."""

from ui.kit import terms
from ui.setup import address, attachment
from ui.shell import frame
from ui.shell.session import current
from ui.trajectories import inputs as trajectory_setup
from ui.trajectories import page

frame.ensure()
session = current()
address.remember_url(session)
attachment.attach(session)
trajectory_setup.title()
terms.row("trajectories", "excess", "curvature", "b")
setup = trajectory_setup.inputs(session)
page.panel(session, setup)
