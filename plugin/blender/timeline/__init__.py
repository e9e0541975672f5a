"""The edited timeline as the panel sees it, and noticing that it changed."""
