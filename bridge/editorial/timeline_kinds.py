"""The kinds of files that hold timelines: which are read, and what to do about the others.

One list for the command line, the backend and the panel.
"""

from __future__ import annotations

from pathlib import Path

from contract.errors import BadTimeline

OTIO_SUFFIXES = (".otio", ".otioz", ".otiod")
EXCHANGE_SUFFIXES = (".edl", ".xml", ".fcpxml", ".fcpxmld", ".aaf")
"""Read by `bridge.editorial.exchange`."""
TIMELINE_SUFFIXES = (*OTIO_SUFFIXES, *EXCHANGE_SUFFIXES)

_OTIO = "Export the timeline as OpenTimelineIO (.otio)"
_PROJECTS = {
    ".drp": ("DaVinci Resolve", f"{_OTIO} from Resolve: File > Export > Timeline."),
    ".drt": ("DaVinci Resolve", f"{_OTIO} from Resolve: File > Export > Timeline."),
    ".prproj": ("Premiere Pro", f"{_OTIO} or Final Cut Pro XML from Premiere: File > Export."),
    ".blend": ("Blender", "Use DynVFX inside of Blender (docs/blender.md)."),
    ".kdenlive": ("Kdenlive", f"{_OTIO} from Kdenlive: Project > OpenTimelineIO."),
    ".mlt": ("Shotcut", "Export an edit list (File > Export > EDL), or open the movie itself."),
    ".fcpbundle": ("Final Cut Pro", "Export the project as XML from Final Cut Pro: File > Export XML."),
    ".fcp": ("Final Cut Pro 7", "Export the sequence as XML from Final Cut Pro: File > Export > XML."),
    ".imovieproj": ("iMovie", "Send it to Final Cut Pro, or export the movie."),
    ".avp": ("Avid Media Composer", "Export the sequence as AAF or EDL from Media Composer."),
    ".avb": ("Avid Media Composer", "Export the sequence as AAF or EDL from Media Composer."),
    ".aep": ("After Effects", "Render the composition to a movie."),
    ".veg": ("VEGAS", "Export the timeline as Final Cut Pro XML or EDL from VEGAS: File > Export."),
    ".osp": ("OpenShot", "Export the timeline as EDL or Final Cut Pro XML from OpenShot: File > Export Project."),
    ".hfp": ("HitFilm", "Export the timeline's movie."),
}


def is_timeline(path: str | Path) -> bool:
    """Whether a file is a timeline of a kind that can be read, by its name."""
    return Path(path).suffix.lower() in TIMELINE_SUFFIXES


def is_project(path: str | Path) -> bool:
    """Whether a file is a project of an application, which `refuse_projects` refuses with the way out of it."""
    return Path(path).suffix.lower() in _PROJECTS


def refuse_projects(path: str | Path) -> None:
    """Raises BadTimeline for the project file of an application, with the way out of that application."""
    known = _PROJECTS.get(Path(path).suffix.lower())
    if known is not None:
        application, remedy = known
        raise BadTimeline(f"{Path(path).name} is a project of {application}.", "Only it can read its projects.", remedy)
