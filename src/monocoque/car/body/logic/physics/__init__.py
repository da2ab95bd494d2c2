"""The physics of a car, one idea to a module; a formula serves one car and a thousand at once."""
