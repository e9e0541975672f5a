"""Timecode as Resolve shows it: drop frame when the timeline's rate contains DF."""

from __future__ import annotations

from tests.plugin.resolve.double.state import rate_of


def text(frame: int, rate: str) -> str:
    nominal = round(rate_of(rate))
    drop = "DF" in rate
    if drop:
        lost = nominal // 15
        tens, rest = divmod(frame, nominal * 600 - lost * 9)
        frame += lost * 9 * tens
        if rest >= nominal * 60:
            frame += lost * (1 + (rest - nominal * 60) // (nominal * 60 - lost))
    seconds, frames_ = divmod(frame, nominal)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}{';' if drop else ':'}{frames_:02d}"


def frames(timecode: str, rate: str) -> int:
    nominal = round(rate_of(rate))
    hour, minute, second, frame = (int(each) for each in timecode.replace(";", ":").split(":"))
    total = ((hour * 60 + minute) * 60 + second) * nominal + frame
    if "DF" in rate:
        minutes = hour * 60 + minute
        total -= nominal // 15 * (minutes - minutes // 10)
    return total
