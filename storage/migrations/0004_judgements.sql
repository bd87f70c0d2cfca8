-- Assessments that may be given again, and revisions that a document has grown out of.

-- judged_under names all that a report rests on beside the document: trust store, policy, program.
-- holds_until: until then the same document would be judged the same; NULL where that can't be said.
ALTER TABLE verification_report
    ADD COLUMN judged_under text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN holds_until  timestamptz;
CREATE INDEX verification_report_by_document ON verification_report (digest, judged_at)
    WHERE holds_until IS NOT NULL;

-- What a report rests on beside the document: certificates, OCSP responses and CRLs, each an object
-- that reports share.
CREATE TABLE report_material (
    report_id uuid NOT NULL REFERENCES verification_report,
    place     smallint NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('CERTIFICATE', 'OCSP', 'CRL')),
    digest    text COLLATE "C" NOT NULL REFERENCES object,
    PRIMARY KEY (report_id, place)
);
CREATE TRIGGER report_material_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON report_material
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an endpoint has shown of its valid documents: the bytes that each signature covers, the
-- how-manieth that is, and how many the whole document has. A document whose last signed bytes
-- another one has too, with more signatures after them, is an earlier revision of that.
CREATE TABLE signed_revision (
    owner         text COLLATE "C" NOT NULL,
    signed_digest text COLLATE "C" NOT NULL CHECK (signed_digest ~ '^[0-9a-f]{64}$'),
    digest        text COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    place         smallint NOT NULL CHECK (place > 0),
    signatures    smallint NOT NULL CHECK (signatures >= place),
    PRIMARY KEY (owner, signed_digest, digest)
);
CREATE TRIGGER signed_revision_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON signed_revision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
