"""Attacks on whoever reads mail by machine, ordinary mail beside them, and a judge of what reaches the reader."""
