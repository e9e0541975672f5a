"""Final Cut Pro 7 XML in the styles of Premiere Pro and DaVinci Resolve, over the footage of the cases."""

from __future__ import annotations

from pathlib import Path


def rate(base: int, ntsc: bool = False) -> str:
    return f"<rate><timebase>{base}</timebase><ntsc>{str(ntsc).upper()}</ntsc></rate>"


def file(media: Path, name: str, count: int, base: int = 24, ntsc: bool = False, start: int = 0, host: str = "") -> str:
    display = "DF" if ntsc and base == 30 else "NDF"
    timecode = f"<timecode>{rate(base, ntsc)}<frame>{start}</frame><displayformat>{display}</displayformat></timecode>"
    url = f"file://{host}{(media / name).as_posix().replace(' ', '%20')}"
    return (
        f'<file id="{name}"><name>{name}</name><pathurl>{url}</pathurl>{rate(base, ntsc)}<duration>{count}</duration>'
        f"{timecode}<media><video/></media></file>"
    )


def item(name: str, start: int, end: int, begin: int, until: int, media: str, base: int = 24, more: str = "") -> str:
    times = f"<start>{start}</start><end>{end}</end><in>{begin}</in><out>{until}</out>"
    return f'<clipitem id="c-{name}"><name>{name}</name>{rate(base)}{times}{media}{more}</clipitem>'


def dissolve(start: int, end: int, alignment: str = "center", base: int = 24) -> str:
    times = f"<start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
    return f"<transitionitem>{rate(base)}{times}<effect><name>Cross Dissolve</name></effect></transitionitem>"


def sequence(name: str, *tracks: str, base: int = 24, ntsc: bool = False, start: int = 86400) -> str:
    timecode = f"<timecode>{rate(base, ntsc)}<frame>{start}</frame><displayformat>NDF</displayformat></timecode>"
    video = "".join(f"<track>{each}</track>" for each in tracks)
    return (
        f'<sequence id="{name}"><name>{name}</name>{rate(base, ntsc)}{timecode}'
        f"<media><video>{video}</video><audio/></media></sequence>"
    )


def write(path: Path, *sequences: str) -> Path:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<!-- exported -->\n'
    path.write_text(f'{head}<xmeml version="4">{"".join(sequences)}</xmeml>\n', encoding="utf-8")
    return path


def speed(percent: str, reverse: bool = False, variable: bool = False) -> str:
    values = {"speed": percent, "reverse": str(reverse).upper(), "variablespeed": str(int(variable))}
    parameters = "".join(
        f"<parameter><parameterid>{name}</parameterid><name>{name}</name><value>{value}</value></parameter>"
        for name, value in values.items()
    )
    return f"<filter><effect><name>Time Remap</name><effectid>timeremap</effectid>{parameters}</effect></filter>"
