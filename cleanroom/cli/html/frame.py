"""What all pages share: a frame (`string.Template`), one style, and the one way by which text gets into a page."""

from html import escape
from importlib.resources import files
from string import Template

from cleanroom.cli.output import printable


def framed(name: str, **parts: str) -> str:
    """The frame with its parts, which are markup: any text in them has passed `safe`."""
    folder = files("cleanroom.cli.html")
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    return Template(folder.joinpath(name).read_text(encoding="utf-8")).substitute(style=style, **parts)


def safe(text: str) -> str:
    """The text as it may stand in a page: control and direction characters made visible, the rest escaped."""
    return escape(printable(text))
