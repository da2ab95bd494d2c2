"""Scenes: when the car comes or goes, or a minute has come, have something done."""
