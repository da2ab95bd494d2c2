"""Takes the cars' frames into the lake."""
