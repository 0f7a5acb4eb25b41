"""The frame of the app: which pages there are."""

from ui import frame

frame.run()
