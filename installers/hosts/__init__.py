"""Blender and DaVinci Resolve: finding them, and the agents that are installed into them."""
