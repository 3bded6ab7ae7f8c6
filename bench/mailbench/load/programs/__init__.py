"""Servers that mailquery's is compared with."""
