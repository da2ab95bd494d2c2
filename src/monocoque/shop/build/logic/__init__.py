"""What the factory decides: the steps of a build, the number of a car, and what is in it."""
