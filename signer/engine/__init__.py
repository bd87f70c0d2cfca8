"""The PDF engine (pyHanko) as we use it: opened strictly, lenient by name, sped up exactly."""
