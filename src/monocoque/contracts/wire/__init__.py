"""Protobuf messages, generated from proto/ by `make wire`; never edited by hand."""
