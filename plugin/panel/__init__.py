"""The window beside the timeline (docs/panel.md)."""
