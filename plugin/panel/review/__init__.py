"""The review view: a take against its original, frame by frame, and what people say about it."""
