"""How each car was when it last said so."""
