"""Which service runs on which kind of machine, and how machines are started."""
