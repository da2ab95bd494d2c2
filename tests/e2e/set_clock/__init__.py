"""A folder for the PYTHONPATH of a machine whose clock can be set."""
