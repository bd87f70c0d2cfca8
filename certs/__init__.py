"""Who is trusted, and when: anchors, certification paths, revocation, time-stamps and keys."""
