"""Orders: placed, paid, built, delivered; and the production weeks that are sold."""
