"""Canaries: recognisable secrets, run through everything, and then searched for everywhere."""
