"""What can be chosen, what goes with what, and why."""
