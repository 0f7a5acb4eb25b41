"""Draw the article's two pictures, a small batch and a large one on the way to the optimum, and what makes them."""

from ui import controls, form, frame, trajectories, trajectory_setup
from ui.session import current

frame.ensure()
session = current()
form.remember_url(session)
controls.attach(session)
trajectory_setup.title()
setup = trajectory_setup.inputs()
trajectories.panel(session, setup)
