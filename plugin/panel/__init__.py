"""The panel: the window beside the timeline (docs/panel.md)."""
