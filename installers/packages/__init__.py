"""Python packages and system libraries: the lock file, environments, and what their failures mean."""
