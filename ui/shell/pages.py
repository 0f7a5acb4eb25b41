"""Record every page of the app: where it is found, how the menu shows it and what its URL may contain."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

# Parameters that Streamlit or a link from another site adds to a URL.
FOREIGN = ("embed", "embed_options", "utm_*", "fbclid", "gclid")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the app.

    Its script is `pages/<name>.py`, the menu shows the text `page.<name>`, and the code behind it is in `ui/<name>/`.
    """

    name: str
    url: str
    icon: str  # the name of a Material symbol
    aliases: tuple[str, ...] = ()  # other URLs that open it; the menu does not show them
    parameters: tuple[str, ...] = ()  # patterns of the URL parameters that it reads besides the settings of a run
    # Whether pages with the form accept these parameters silently. Names that could be mistaken for a setting are
    # reported there instead.
    known_everywhere: bool = True
    style: str = ""  # its style sheet, in the folder ui/

    @property
    def script(self) -> str:
        return f"pages/{self.name}.py"

    @property
    def title_key(self) -> str:
        return f"page.{self.name}"

    @property
    def path(self) -> str:
        """The path of the page below the root of the app."""
        return "" if self is PAGES[0] else self.url

    def reads(self, parameter: str) -> bool:
        """Return whether the page reads a parameter of its URL, apart from the settings of a run."""
        return any(fnmatchcase(parameter, pattern) for pattern in self.parameters)


# In the order of the menu, which is a way through: each page ends with the question of the next one. The first page
# opens at the root.
PAGES = (
    Page(
        name="live",
        url="train",
        icon="monitoring",
        aliases=("live",),
        parameters=("run", "pace"),
        style="live/style.css",
    ),
    Page(name="trajectories", url="trajectories", icon="route", parameters=("path_*",), style="trajectories/style.css"),
    Page(name="memory", url="memory", icon="memory", style="memory/style.css"),
    Page(
        name="compare",
        url="compare",
        icon="compare_arrows",
        parameters=("preset", "comparison", "arms", "compare_*"),
        style="compare/style.css",
    ),
    Page(name="claims", url="claims", icon="gavel", parameters=("claim",), style="claims/style.css"),
    Page(
        name="schedules",
        url="schedules",
        icon="show_chart",
        parameters=("arm", "batch", "peak"),
        known_everywhere=False,
        style="schedules/style.css",
    ),
    Page(name="about", url="about", icon="info"),
)
BY_NAME = {page.name: page for page in PAGES}


def is_known(parameter: str) -> bool:
    """Return whether a URL may have this parameter on a page with the form, although it is no setting."""
    if any(fnmatchcase(parameter, pattern) for pattern in FOREIGN):
        return True
    return any(page.reads(parameter) for page in PAGES if page.known_everywhere)
