"""The sidebar in Blender's sequencer."""
