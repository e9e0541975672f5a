"""`python -m plugin.panel [TIMELINE]` opens the panel over timeline files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bridge.errors import Problem


def main(arguments: list[str] | None = None) -> int:
    """Open the panel; the exit code."""
    parser = argparse.ArgumentParser(prog="dynvfx panel", description="Opens the panel beside your timeline.")
    parser.add_argument("timeline", nargs="?", type=Path, help=".otio, .otioz, .otiod or a movie")
    options = parser.parse_args(arguments)
    try:
        from plugin.panel.application import run
    except ImportError as error:
        print(f"The panel needs PyQt6 ({error}). Install it: pip install 'dynvfx[panel]'", file=sys.stderr)
        return 1
    try:
        return run(options.timeline)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
