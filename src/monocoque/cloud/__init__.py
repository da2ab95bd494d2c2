"""The cell's services: which cars exist, and what is asked of them."""
