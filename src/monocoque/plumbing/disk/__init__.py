"""The disk: a folder of files that can lose power."""
