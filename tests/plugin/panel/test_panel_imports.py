"""Widgets import models, never the bridge; models import no widget."""

from __future__ import annotations

from pathlib import Path

from tests.test_imports import imports

ROOT = Path(__file__).resolve().parents[3]
PANEL = ROOT / "plugin" / "panel"


def widget_files() -> list[Path]:
    files = [*PANEL.glob("widgets/**/*.py"), *PANEL.glob("review/widgets/*.py")]
    return [*files, PANEL / "window.py"]


def test_no_widget_imports_the_bridge() -> None:
    assert len(widget_files()) > 20
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in widget_files()
        for line, name in imports(path, ROOT)
        if name.partition(".")[0] == "bridge"
    ]
    assert wrong == []


def test_no_model_imports_a_widget() -> None:
    files = [*PANEL.glob("models/**/*.py"), *(PANEL / "review").glob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files
        for line, name in imports(path, ROOT)
        if "QtWidgets" in name or ".widgets" in name
    ]
    assert wrong == []
