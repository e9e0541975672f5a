"""The documentation's pictures of the panel: the real window over a real backend, with takes of the shipped model.

    xvfb-run -s "-screen 0 2560x2048x24" python -m tests.plugin.panel.pictures_for_docs OUT

Everything that they show was made while they were taken; it takes some minutes.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QApplication

from bridge.local.service_file import read_service_file
from plugin.panel.application import Panel
from plugin.panel.review.compare import Mode
from tests.plugin.panel.screenshots import USUAL, WIDE, write_edit

INSTRUCTION = "add a red balloon on the left"


def main() -> None:
    """Make the pictures."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["DYNVFX_HOME"] = str(home)
        panel = Panel(app)
        panel.model.settings.set("welcomed", True)
        try:
            _take_pictures(app, panel, write_edit(Path(folder)), out)
        finally:
            panel.window.close()
            panel.close()
            running = read_service_file(home)
            if running is not None:
                os.kill(running.pid, signal.SIGTERM)


def _take_pictures(app: QApplication, panel: Panel, edit: Path, out: Path) -> None:
    window, model = panel.window, panel.model

    def until(so: Callable[[], bool]) -> None:
        while not so():
            app.processEvents()

    def shoot(name: str, size: tuple[int, int]) -> None:
        window.resize(*size)
        ready = time.monotonic() + 4  # thumbnails and frames are decoded in threads
        until(lambda: time.monotonic() > ready)
        window.grab().save(str(out / f"{name}.png"))
        print(name, flush=True)

    window.show()
    window.begin(edit)
    until(lambda: bool(model.shot.clips))
    model.shot.choose(1)
    until(lambda: model.backend.ready and model.ask.estimate is not None)
    model.ask.instruction, model.ask.takes, model.ask.quality = INSTRUCTION, 2, "draft"
    model.make_plan()
    until(lambda: model.plan.state in ("ready", "failed"))
    shoot("panel-plan", WIDE)
    model.generate()
    until(lambda: any(card.kind == "job" and card.picture for card in model.takes.cards))
    shoot("panel-generating", USUAL)
    until(lambda: sum(card.kind == "take" for card in model.takes.cards) == 2)
    window.takes_zone.choose(next(card.row_id for card in model.takes.cards if card.kind == "take"))
    window.takes_zone.act("review")
    until(lambda: panel.review.current is not None)
    panel.review.transport.seek(30)
    panel.review.add_note("Let it rise a little faster here.", "look")
    panel.review.compare.set(mode=Mode.SIDE)
    shoot("panel-review", WIDE)
    window.review.place_button.click()
    until(lambda: model.placements.current is not None or model.placements.problem is not None)
    shoot("panel-placed", USUAL)


if __name__ == "__main__":
    main()
