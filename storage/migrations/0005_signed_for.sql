-- Whose signatures are whose: what certificates may call an endpoint, and what was found of it.

ALTER TABLE endpoint
    ADD COLUMN other_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN identifiers text[] NOT NULL DEFAULT '{}';

-- signed_for: whether the document bears the sender's signatures; empty for what bears none.
ALTER TABLE gate_finding
    ADD COLUMN signed_for text COLLATE "C" NOT NULL DEFAULT '';

-- on_behalf_of: the endpoint that was asked about, perhaps unknown; signed_for: the answer for each
-- signature of the report, in its order, empty for a time-stamp.
ALTER TABLE verification_report
    ADD COLUMN on_behalf_of text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN signed_for   text[] NOT NULL DEFAULT '{}';
