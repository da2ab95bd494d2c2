"""What runs in a home: a machine of its own, which the cars of its owner know."""
