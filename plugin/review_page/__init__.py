"""The review page: one HTML file with H.264 movies, opened in any browser, whose decisions are saved to a file."""
