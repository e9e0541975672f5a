"""Strips of Blender's sequencer: their identity, their media, and whether DynVFX can use them."""
