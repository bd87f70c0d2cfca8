"""Creating signatures: prepare, digest, sign, embed (EN 319 142-1)."""
