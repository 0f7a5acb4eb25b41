"""The frame of the app: which pages there are."""

from ui.shell import frame

frame.run()
