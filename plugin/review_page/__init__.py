"""A page for supervisors: one HTML file beside H.264 files, reviewed in any browser, decided in a file."""
