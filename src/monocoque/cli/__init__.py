"""The command line: one table of commands, and the only reader of environment and arguments."""
