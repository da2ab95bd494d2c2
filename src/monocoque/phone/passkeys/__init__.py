"""Passkeys: signing in without a link, once one was added."""
