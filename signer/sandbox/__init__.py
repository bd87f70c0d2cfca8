"""Strangers' bytes in limited processes: the pool, its processes, and the work they do."""
