"""Media under review: slices, pictures for the screen, sound and measurements, for the panel and the review page."""
