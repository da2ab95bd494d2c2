"""Records: SQL tables behind one small port, on SQLite and on PostgreSQL."""
