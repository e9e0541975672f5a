"""Resolve's edition and version, and whether DynVFX can use it."""

from typing import Any, Optional, Tuple

from .calls import call, call_if_present, to_int, to_list
from .errors import ResolveProblem

OLDEST = (18, 5, 0)
FREE_WITHOUT_PYTHON = (21, 1, 0)
TRACK_INDEX = (19, 0, 0)
"""Since this version AddTrack accepts the new track's index."""

LUA_ROUTE = (
    "Choose Workspace > Scripts > DynVFX_Lua_open: that script is written in Lua, which this edition still runs."
)
FILE_ROUTE = (
    "Export the timeline as OpenTimelineIO (File > Export > Timeline), open that file in the DynVFX panel, and import"
    " the .otio that it writes."
)


class Edition:
    """Name, version and edition of a running Resolve."""

    def __init__(self, product: str, version: Tuple[int, ...]) -> None:
        self.product, self.version = product, version

    @property
    def studio(self) -> bool:
        """Whether this is the paid edition."""
        return "studio" in self.product.lower()

    @property
    def label(self) -> str:
        """The text for the user, "DaVinci Resolve Studio 21.0.4"."""
        return "{} {}".format(self.product, ".".join(str(each) for each in self.version))

    def problem(self) -> Optional[ResolveProblem]:
        """Why this Resolve cannot be used; None when it can."""
        if not self.studio and self.version >= FREE_WITHOUT_PYTHON:
            return ResolveProblem(
                "edition",
                "The free DaVinci Resolve runs no Python scripts since version 21.1.",
                f"This is {self.label}.",
                LUA_ROUTE,
            )
        if self.version < OLDEST:
            return ResolveProblem(
                "edition",
                f"{self.label} is too old for DynVFX.",
                "Version 18.5 is the oldest with the required scripting functions.",
                f"Update Resolve. {FILE_ROUTE}",
            )
        return None


def read_edition(resolve: Any) -> Edition:
    """Read the edition, with calls that every edition answers. Raises NoAnswer when Resolve does not answer."""
    product = str(call(resolve, "GetProductName") or "DaVinci Resolve")
    parts = to_list(call_if_present(resolve, "GetVersion"))
    if not parts:
        parts = str(call(resolve, "GetVersionString") or "").split(".")
    numbers = tuple(to_int(each) for each in parts[:3])
    return Edition(product, numbers + (0,) * (3 - len(numbers)))
