"""The factory: it makes cars, knows their keys, and signs the first grant of each."""
