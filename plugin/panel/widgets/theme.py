"""The panel's look: dark and dense, in the host's colours where it reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PyQt6.QtGui import QColor, QFont, QPalette
from PyQt6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """Colours by purpose."""

    window: str = "#232427"
    base: str = "#1a1b1d"
    raised: str = "#2e3034"
    line: str = "#3b3d42"
    text: str = "#d8d9dc"
    faint: str = "#94979e"
    accent: str = "#4c8dd6"
    good: str = "#6cb37c"
    warn: str = "#e0b25a"
    bad: str = "#e2766c"

    @classmethod
    def following(cls, host: Mapping[str, str]) -> Theme:
        """A theme with the host's colours and others derived from them; invalid colours are ignored."""
        known = {name: value for name, value in host.items() if QColor.isValidColorName(value)}
        theme = replace(cls(), **{name: known[name] for name in ("window", "base", "text", "accent") if name in known})
        if "window" in known:
            window = QColor(theme.window)
            light = window.lightnessF() > 0.5
            shade = (lambda factor: window.darker(factor)) if light else (lambda factor: window.lighter(factor))
            theme = replace(theme, raised=shade(112 if light else 130).name(), line=shade(130 if light else 175).name())
            if "base" not in known:
                theme = replace(theme, base=(window.lighter(108) if light else window.darker(125)).name())
            if light:
                theme = replace(theme, faint="#5c5f66", good="#2d7d46", warn="#8a5d00", bad="#b3372c")
                if "text" not in known:
                    theme = replace(theme, text="#1d1e20")
        return theme

    def palette(self) -> QPalette:
        """The Qt palette of these colours."""
        palette = QPalette()
        roles = QPalette.ColorRole
        for role, colour in (
            (roles.Window, self.window),
            (roles.WindowText, self.text),
            (roles.Base, self.base),
            (roles.AlternateBase, self.raised),
            (roles.Text, self.text),
            (roles.Button, self.raised),
            (roles.ButtonText, self.text),
            (roles.BrightText, "#ffffff"),
            (roles.ToolTipBase, self.raised),
            (roles.ToolTipText, self.text),
            (roles.PlaceholderText, self.faint),
            (roles.Highlight, self.accent),
            (roles.HighlightedText, "#ffffff"),
            (roles.Link, self.accent),
            (roles.Mid, self.line),
            (roles.Dark, self.base),
            (roles.Light, self.line),
        ):
            palette.setColor(role, QColor(colour))
        faded = QColor(self.faint)
        faded.setAlphaF(0.55)
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, faded)
        return palette

    def sheet(self) -> str:
        """What a palette cannot say. Lengths are in em, so that they follow the font and the scaling."""
        return f"""
        QToolTip {{ color: {self.text}; background: {self.raised}; border: 1px solid {self.line}; padding: 3px; }}
        QPushButton, QToolButton {{ background: {self.raised}; border: 1px solid {self.line}; border-radius: 3px;
            padding: 0.25em 0.7em; }}
        QToolButton {{ padding: 0.2em 0.45em; }}
        QPushButton:hover, QToolButton:hover {{ border-color: {self.faint}; }}
        QPushButton:focus, QToolButton:focus {{ border-color: {self.accent}; }}
        QPushButton:pressed, QToolButton:pressed {{ background: {self.base}; }}
        QPushButton:checked, QToolButton:checked {{ background: {self.accent}; color: #ffffff;
            border-color: {self.accent}; }}
        QPushButton:disabled, QToolButton:disabled {{ background: transparent; }}
        QPushButton#primary {{ background: {self.accent}; color: #ffffff; border-color: {self.accent};
            font-weight: 600; }}
        QPushButton#primary:focus {{ border-color: #ffffff; }}
        QPushButton#primary:disabled {{ background: {self.raised}; color: {self.faint}; border-color: {self.line}; }}
        QToolButton#plain {{ border-color: transparent; background: transparent; }}
        QToolButton#plain:hover {{ border-color: {self.line}; }}
        QLineEdit, QPlainTextEdit, QTextEdit {{ background: {self.base};
            border: 1px solid {self.line}; border-radius: 3px; padding: 0.2em 0.3em;
            selection-background-color: {self.accent}; }}
        QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {self.accent}; }}
        QListView {{ background: {self.base}; border: 1px solid {self.line}; }}
        QListView:focus {{ border-color: {self.accent}; }}
        QLabel#zone {{ color: {self.faint}; font-weight: 600; letter-spacing: 1px; }}
        QLabel#faint {{ color: {self.faint}; }}
        QLabel#warn {{ color: {self.warn}; }}
        QLabel#bad {{ color: {self.bad}; }}
        QLabel#good {{ color: {self.good}; }}
        QFrame#line {{ background: {self.line}; border: none; }}
        QScrollBar {{ background: {self.window}; border: none; }}
        QScrollBar:vertical {{ width: 9px; }}
        QScrollBar:horizontal {{ height: 9px; }}
        QScrollBar::handle {{ background: {self.line}; border-radius: 3px; min-height: 24px; min-width: 24px; }}
        QScrollBar::handle:hover {{ background: {self.faint}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        QFrame#banner {{ background: {self.raised}; border: 1px solid {self.warn}; border-radius: 3px; }}
        QFrame#error {{ background: {self.raised}; border: 1px solid {self.bad}; border-radius: 3px; }}
        QFrame#statusline {{ border-top: 1px solid {self.line}; }}
        QSplitter::handle {{ background: {self.line}; }}
        QSplitter::handle:horizontal {{ width: 3px; }}
        QSplitter::handle:vertical {{ height: 3px; }}
        QCheckBox::indicator {{ width: 0.9em; height: 0.9em; border: 1px solid {self.faint}; border-radius: 2px;
            background: {self.base}; }}
        QCheckBox::indicator:checked {{ background: {self.accent}; border-color: {self.accent}; }}
        QCheckBox::indicator:focus {{ border-color: {self.accent}; }}
        QScrollArea {{ border: none; }}
        QProgressBar {{ background: {self.base}; border: 1px solid {self.line}; border-radius: 3px;
            text-align: center; }}
        QProgressBar::chunk {{ background: {self.accent}; }}
        """


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give the whole application this look."""
    app.setStyle("Fusion")
    app.setPalette(theme.palette())
    font = QFont(app.font())
    # Editing applications are set in small type; the system's scaling still enlarges it.
    font.setPointSizeF(min(font.pointSizeF(), 9.5) if font.pointSizeF() > 0 else 9.5)
    app.setFont(font)
    app.setStyleSheet(theme.sheet())
    app.setProperty("dynvfxTheme", theme)


def current_theme() -> Theme:
    """The look that the application has."""
    app = QApplication.instance()
    theme = app.property("dynvfxTheme") if app is not None else None
    return theme if isinstance(theme, Theme) else Theme()
