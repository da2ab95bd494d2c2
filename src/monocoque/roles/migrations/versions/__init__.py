"""The revisions, one file each; see the package above for the rules."""
