"""The open timeline of Resolve: its clips, selection, playhead and markers."""
