"""Apps of others in the car: which it has, what each may do, and how each of them is."""
