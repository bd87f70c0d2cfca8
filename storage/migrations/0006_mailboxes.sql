-- Up to low_ack all of a mailbox is acknowledged: reading it costs what waits, not its history.

ALTER TABLE mailbox ADD COLUMN low_ack bigint NOT NULL DEFAULT 0 CHECK (low_ack BETWEEN 0 AND head);
UPDATE mailbox b SET low_ack = coalesce((
    SELECT min(m.sequence) - 1 FROM mailbox_item m
    WHERE m.endpoint = b.endpoint AND m.lane = b.lane
      AND NOT EXISTS (SELECT 1 FROM mailbox_acknowledgement a
                      WHERE a.endpoint = m.endpoint AND a.lane = m.lane AND a.sequence = m.sequence)
), b.head);
