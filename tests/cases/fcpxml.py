"""FCPXML in the styles of Final Cut Pro and DaVinci Resolve, over the footage of the cases."""

from __future__ import annotations

from pathlib import Path

FORMATS = (
    '<format id="r1" name="FFVideoFormat1080p24" frameDuration="100/2400s" width="192" height="48"/>'
    '<format id="r2" name="FFVideoFormat1080p2398" width="192" height="48"/>'
    '<format id="r3" frameDuration="1/50s" width="192" height="48"/>'
    '<effect id="r9" name="Basic Title" uid=".../Titles.localized/Basic.moti"/>'
)


def asset(media: Path, name: str, seconds: str, format: str = "r1", start: str = "0s", version: str = "1.10") -> str:
    url = f"file://{(media / name).as_posix().replace(' ', '%20')}"
    facts = f'id="{name}" name="{Path(name).stem}" start="{start}" duration="{seconds}" hasVideo="1" format="{format}"'
    if version < "1.9" and len(version) == 3:
        return f'<asset {facts} src="{url}"/>'
    return f'<asset {facts}><media-rep kind="original-media" src="{url}"><bookmark>Ym9v</bookmark></media-rep></asset>'


def clip(name: str, ref: str, offset: str, start: str, duration: str, inside: str = "", more: str = "") -> str:
    times = f'offset="{offset}" start="{start}" duration="{duration}"'
    return f'<asset-clip ref="{ref}" name="{name}" {times} tcFormat="NDF" {more}>{inside}</asset-clip>'


def project(spine: str, name: str = "cut", start: str = "0s", format: str = "r1") -> str:
    head = f'<sequence format="{format}" duration="100s" tcStart="{start}" tcFormat="NDF">'
    return f'<project name="{name}">{head}<spine>{spine}</spine></sequence></project>'


def write(path: Path, resources: str, *projects: str, version: str = "1.10") -> Path:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n'
    library = (
        f'<library location="file:///l.fcpbundle/"><event name="e"><!-- day 1 -->{"".join(projects)}</event></library>'
    )
    text = f'<fcpxml version="{version}">\n<resources>{FORMATS}{resources}</resources>\n{library}\n</fcpxml>\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + text, encoding="utf-8")
    return path
