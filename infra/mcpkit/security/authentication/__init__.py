"""Whose a bearer token is: strategies behind one interface, and what their user may see."""
