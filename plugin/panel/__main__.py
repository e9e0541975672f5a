"""`python -m plugin.panel [TIMELINE]` opens the panel over timeline files.

With --agent it serves the editing application that started it: see plugin/hosts/PROTOCOL.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from contract.errors import Problem


def main(arguments: list[str] | None = None) -> int:
    """Open the panel; the exit code."""
    parser = argparse.ArgumentParser(prog="dynvfx panel", description="Opens the panel beside your timeline.")
    parser.add_argument("timeline", nargs="?", type=Path, help="a timeline (.otio, .xml, .fcpxml, .edl ...) or a movie")
    parser.add_argument("--agent", action="store_true", help="serve the editing application that starts this")
    parser.add_argument("--hidden", action="store_true", help="with --agent: no window until the application asks")
    options = parser.parse_args(arguments)
    if options.agent and options.timeline is not None:
        parser.error("--agent takes its timeline from the editing application")
    try:
        from plugin.panel.agent_application import run_for_agent
        from plugin.panel.application import run
    except ImportError as error:
        print(f"The panel needs PyQt6 ({error}). Install it: pip install 'dynvfx[panel]'", file=sys.stderr)
        return 1
    try:
        return run_for_agent(hidden=options.hidden) if options.agent else run(options.timeline)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
