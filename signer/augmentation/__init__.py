"""Augmenting signatures: B-B to B-T, B-LT and B-LTA, and renewal (EN 319 142-1)."""
