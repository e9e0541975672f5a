"""What the window shows and does, without a window: observable models that tests drive without a screen."""
