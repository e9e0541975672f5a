"""Exporting a clip for the panel: its own media, or a render of it."""
