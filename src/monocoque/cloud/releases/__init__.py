"""Releases: what there is to install, published as plain files, and what people think of it."""
