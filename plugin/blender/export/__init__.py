"""Exporting a clip for the panel: its source media, or a render of the strip."""
