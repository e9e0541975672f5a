"""Takes as strips above their clip, and notes as markers."""
