"""The panel's side of each editing application."""
