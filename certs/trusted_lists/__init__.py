"""Trusted lists of ETSI TS 119 612: read, checked, and turned into anchors."""
