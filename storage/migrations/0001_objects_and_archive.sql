-- Objects that rows may point at, and what the archive knows about them.
-- An object's row is written after the object itself is kept, in the transaction of whatever
-- points at it: a row never points at nothing.

CREATE TABLE object (
    digest      text COLLATE "C" PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),
    media_type  text NOT NULL CHECK (media_type <> ''),
    kept_at     timestamptz NOT NULL
);

CREATE TABLE archive_record (
    record_id   uuid PRIMARY KEY,
    digest      text COLLATE "C" NOT NULL REFERENCES object,
    media_type  text NOT NULL CHECK (media_type <> ''),
    kind        text COLLATE "C" NOT NULL
                CHECK (kind IN ('DOCUMENT', 'ENVELOPE', 'STATUS', 'REPORT', 'EVIDENCE')),
    message_id  text COLLATE "C",
    owner       text COLLATE "C" NOT NULL CHECK (owner <> ''),
    title       text NOT NULL,
    kept_at     timestamptz NOT NULL
);

-- The listing's order, newest last, and its place marker.
CREATE INDEX archive_record_by_time ON archive_record (kept_at, record_id);
CREATE INDEX archive_record_by_owner ON archive_record (owner, kept_at, record_id);
CREATE INDEX archive_record_by_message ON archive_record (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX archive_record_by_digest ON archive_record (digest);

-- Bytes as received are kept for ever: no statement of ours changes or deletes these rows, and
-- the database refuses one that tries. Ending a retention period will lift this on purpose.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are kept for ever: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER object_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON object
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archive_record_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_record
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
