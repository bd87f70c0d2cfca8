"""Trust anchors: what may be one, the store, its directory and changes to it."""
