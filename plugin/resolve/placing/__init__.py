"""Takes on tracks above their clip, verified by reading back and rolled back on failure."""
