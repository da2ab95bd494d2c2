"""Documents: files of the cell that are written once, whole, and read by whoever asks."""
