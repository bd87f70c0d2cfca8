"""Mailboxes: one per endpoint and lane, read from a cursor, followed as they fill."""
