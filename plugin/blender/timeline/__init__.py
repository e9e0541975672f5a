"""Describing the edited timeline for the panel, and detecting changes to it."""
