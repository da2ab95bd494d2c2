"""The mailbox of commands, and the cell's copy of each car's log."""
