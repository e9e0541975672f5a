"""Exporting a clip for the panel as an OpenTimelineIO file."""
