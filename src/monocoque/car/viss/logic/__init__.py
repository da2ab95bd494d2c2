"""Requests, filters and answers of VISS, without sockets."""
