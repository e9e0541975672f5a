"""`dynvfx logs`: a zip file with everything that helps to find a mistake, without what is nobody's business."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import platform
import re
import socket
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path

from bridge import local_service
from bridge.errors import OutOfDisk, Problem
from bridge.messages import Jobs, ListJobs
from bridge.places import state_folder
from plugin.exit_codes import DONE
from plugin.service_link import PROGRAM, ServiceLink

LARGEST = 20_000_000
"""Bytes of one log of which only the end is taken."""
PROGRAM_ROOT = Path(__file__).resolve().parent.parent
_PATHS = re.compile(
    r"""(?x)
    (?: \b[A-Za-z]:[\\/] | \\\\(?=[\w?.]) | file:// | (?<![\w:/.])~?/(?=[^\s/]) )   # C:\ \\server file:// / ~/
    [^\s'"<>|,;()\[\]{}]*
    """
)
_QUOTED = re.compile(r"""(?<!\w)(["'])(?P<text>(?:\\.|(?!\1)[^\\\n])*)\1""")


def run(options: argparse.Namespace, state: Path) -> int:
    """Write the zip; `state` is the folder of the program's own logs. Raises OutOfDisk."""
    target = options.output or Path(f"dynvfx-logs-{time.strftime('%Y%m%d-%H%M%S')}.zip")
    logs = list(find_logs([state, state_folder()]))
    redact = Redaction(_instructions()) if options.redact else None
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("about.json", json.dumps(about(redacted=options.redact), indent=2))
            for name, path in logs:
                text = _end_of(path)
                bundle.writestr(name, redact(text) if redact else text)
    except OSError as error:
        raise OutOfDisk(
            f"{target} could not be written.",
            error.strerror or str(error),
            "Name another file with --output; one that exists is never written over.",
        ) from error
    if options.json:
        print(json.dumps({"file": str(target.absolute()), "logs": len(logs), "redacted": options.redact}))
    else:
        print(f"{target} holds {len(logs)} logs.")
        note = "paths, names and instructions are left out" if options.redact else "paths and instructions are in them"
        print(f"Have a look before you send it: {note}.", file=sys.stderr)
    return DONE


def find_logs(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Names in the zip and files: all that lies in the `log` folders, each file once."""
    seen: set[Path] = set()
    for number, folder in enumerate(folders):
        for path in sorted((folder / "log").rglob("*")):
            if path.is_file() and path.resolve() not in seen:
                seen.add(path.resolve())
                yield f"{('program', 'service')[number]}/{path.relative_to(folder / 'log').as_posix()}", path


def about(*, redacted: bool) -> dict[str, object]:
    """The machine and the versions of the packages."""
    packages = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
    return {
        "python": sys.version,
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "packages": dict(sorted(packages.items())),
        "redacted": redacted,
    }


class Redaction:
    """Takes paths, names and what people asked for out of a text, and leaves what a mistake is found by.

    Files of the program itself keep their place in it. Whatever stands in quotes and is more than one word counts as
    somebody's words, beside `sentences` that are known to be.
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self._sentences = sorted({each for each in sentences if each.strip()}, key=len, reverse=True)
        words = {getpass.getuser(), socket.gethostname(), Path.home().name}
        self._names = [re.compile(rf"(?<!\w){re.escape(word)}(?!\w)") for word in words if len(word) > 2]

    def __call__(self, text: str) -> str:
        for root in (sys.prefix, str(PROGRAM_ROOT)):
            text = text.replace(root + os.sep, "<program>:")
        for sentence in self._sentences:
            text = text.replace(sentence, "<text>").replace(repr(sentence)[1:-1], "<text>")
        text = _QUOTED.sub(self._quoted, text)
        text = _PATHS.sub(lambda found: f"<path>{_suffix(found[0])}", text)
        for name in self._names:
            text = name.sub("<name>", text)
        return text

    def _quoted(self, found: re.Match) -> str:
        inner = found["text"]
        if inner.startswith("<program>:"):
            return found[0]
        if _PATHS.match(inner):
            return f"{found[1]}<path>{_suffix(inner)}{found[1]}"
        return found[0] if not re.search(r"\s", inner.strip()) else f"{found[1]}<text>{found[1]}"


def _suffix(path: str) -> str:
    """A path's suffix, which tells the kind of file and nobody's secret."""
    found = re.search(r"\.[A-Za-z0-9]{1,5}$", path)
    return found[0] if found else ""


def _instructions() -> list[str]:
    """What was asked for in the jobs of a service, if one runs; none is started for this."""
    try:
        link = ServiceLink(lambda: local_service.connect(program=PROGRAM, start_one=False))
    except Problem:
        return []
    try:
        return [job.instruction for job in link.ask(ListJobs(limit=10_000), Jobs).jobs]
    except Problem:
        return []
    finally:
        link.close()


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LARGEST))
        return file.read().decode("utf-8", errors="replace")
