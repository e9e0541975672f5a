"""What the models look like. Widgets know models, never the bridge."""
