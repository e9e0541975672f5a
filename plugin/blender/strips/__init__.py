"""Strips of Blender's sequencer: their identity, their media, and whether they can be worked on."""
