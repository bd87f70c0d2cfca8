-- Who takes part, what is in transit, and what has happened to it.

CREATE TABLE endpoint (
    code        text COLLATE "C" PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 35),
    name        text NOT NULL CHECK (name <> ''),
    block       text COLLATE "C" NOT NULL CHECK (block IN ('PARTY', 'STATE', 'FRONT', 'BUSINESS')),
    level       text COLLATE "C" NOT NULL CHECK (level IN ('PROVINCE', 'COMMUNE')),
    parent      text COLLATE "C",
    email       text NOT NULL DEFAULT '',
    roles       text[] NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz,
    successor   text COLLATE "C",
    version     integer NOT NULL DEFAULT 1
);

-- A certificate speaks for one endpoint only, and once revoked it never speaks again.
CREATE TABLE endpoint_certificate (
    fingerprint text COLLATE "C" PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    code        text COLLATE "C" NOT NULL REFERENCES endpoint,
    bound_at    timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX endpoint_certificate_by_code ON endpoint_certificate (code);

-- One request_id has one effect, for good: the first answer is kept and given again.
CREATE TABLE request_answer (
    caller      text COLLATE "C" NOT NULL,
    request_id  uuid NOT NULL,
    method      text COLLATE "C" NOT NULL,
    digest      text COLLATE "C" NOT NULL,
    answer      bytea,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (caller, request_id)
);

-- Content on its way in. Bytes up to committed_size are on the disk of the spool.
CREATE TABLE upload (
    upload_id      uuid PRIMARY KEY,
    caller         text COLLATE "C" NOT NULL,
    digest         text COLLATE "C" NOT NULL,
    size_bytes     bigint NOT NULL,
    media_type     text NOT NULL,
    file_name      text NOT NULL,
    committed_size bigint NOT NULL DEFAULT 0,
    complete       boolean NOT NULL DEFAULT false,
    expires_at     timestamptz NOT NULL
);

-- Who may read or refer to which content. Without it, asking by digest would tell what exists.
CREATE TABLE blob_access (
    digest     text COLLATE "C" NOT NULL,
    endpoint   text COLLATE "C" NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (digest, endpoint)
);

CREATE TABLE message (
    message_id   uuid PRIMARY KEY,
    sender       text COLLATE "C" NOT NULL REFERENCES endpoint,
    state        text COLLATE "C" NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED')),
    document_id  text NOT NULL,
    envelope     jsonb NOT NULL,
    edxml_digest text COLLATE "C",
    edxml_size   bigint,
    lane         smallint NOT NULL CHECK (lane BETWEEN 1 AND 6),
    created_at   timestamptz NOT NULL,
    submitted_at timestamptz,
    CHECK (state = 'DRAFT' OR (edxml_digest IS NOT NULL AND submitted_at IS NOT NULL))
);
-- A sender names a document once (DocumentId, QCVN 102:2016 component 1.14).
CREATE UNIQUE INDEX message_document_id ON message (sender, document_id) WHERE state = 'SUBMITTED';
CREATE INDEX message_by_sender ON message (sender, created_at, message_id);

-- What the signature gate found, one row for each attachment of a submitted message.
CREATE TABLE gate_finding (
    message_id uuid NOT NULL REFERENCES message,
    position   smallint NOT NULL,
    digest     text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL,
    file_name  text NOT NULL,
    media_type text NOT NULL,
    verdict    text COLLATE "C" NOT NULL,
    reason     text COLLATE "C" NOT NULL,
    report_id  uuid,
    PRIMARY KEY (message_id, position)
);

CREATE TABLE verification_report (
    report_id     uuid PRIMARY KEY,
    requested_by  text COLLATE "C" NOT NULL,
    digest        text COLLATE "C" NOT NULL,
    verdict       text COLLATE "C" NOT NULL,
    reason        text COLLATE "C" NOT NULL,
    report        jsonb NOT NULL,
    trust_version text COLLATE "C" NOT NULL,
    judged_at     timestamptz NOT NULL
);

-- One row for each submitted message: what the signature rate counts.
CREATE TABLE document_fact (
    message_id     uuid PRIMARY KEY REFERENCES message,
    document_id    text NOT NULL,
    sender         text COLLATE "C" NOT NULL,
    block          text COLLATE "C" NOT NULL,
    level          text COLLATE "C" NOT NULL,
    subject        text NOT NULL,
    issued_on      date NOT NULL,
    type_name      text NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    verdict        text COLLATE "C" NOT NULL,
    leader_signed  boolean NOT NULL,
    seal_signed    boolean NOT NULL,
    reason         text COLLATE "C" NOT NULL
);
CREATE INDEX document_fact_by_date ON document_fact (issued_on);

CREATE TABLE delivery (
    delivery_id     uuid PRIMARY KEY,
    message_id      uuid NOT NULL REFERENCES message,
    recipient       text COLLATE "C" NOT NULL REFERENCES endpoint,
    state           text COLLATE "C" NOT NULL,
    delivered_at    timestamptz NOT NULL,
    fetched_at      timestamptz,
    acknowledged_at timestamptz,
    UNIQUE (message_id, recipient)
);
CREATE INDEX delivery_by_recipient ON delivery (recipient, delivered_at, delivery_id);

CREATE TABLE delivery_status (
    status_id    uuid PRIMARY KEY,
    delivery_id  uuid NOT NULL REFERENCES delivery,
    code         text COLLATE "C" NOT NULL,
    description  text NOT NULL,
    staff        jsonb,
    reported_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    edxml_digest text COLLATE "C" NOT NULL,
    edxml_size   bigint NOT NULL
);
CREATE INDEX delivery_status_by_delivery ON delivery_status (delivery_id, received_at);

-- Sequence numbers are given under the row lock of the mailbox, so their order is the order of
-- commits: a cursor can't pass over a row that commits late.
CREATE TABLE mailbox (
    endpoint text COLLATE "C" NOT NULL REFERENCES endpoint,
    lane     smallint NOT NULL,
    head     bigint NOT NULL,
    PRIMARY KEY (endpoint, lane)
) WITH (fillfactor = 50);

CREATE TABLE mailbox_item (
    endpoint     text COLLATE "C" NOT NULL,
    lane         smallint NOT NULL,
    sequence     bigint NOT NULL,
    delivery_id  uuid NOT NULL REFERENCES delivery,
    status_id    uuid REFERENCES delivery_status,
    delivered_at timestamptz NOT NULL,
    PRIMARY KEY (endpoint, lane, sequence)
);

CREATE TABLE mailbox_acknowledgement (
    endpoint        text COLLATE "C" NOT NULL,
    lane            smallint NOT NULL,
    sequence        bigint NOT NULL,
    outcome         text COLLATE "C" NOT NULL CHECK (outcome IN ('STORED', 'REJECTED')),
    reason          text NOT NULL,
    acknowledged_at timestamptz NOT NULL,
    evidence_id     uuid,
    PRIMARY KEY (endpoint, lane, sequence),
    FOREIGN KEY (endpoint, lane, sequence) REFERENCES mailbox_item
);

CREATE TABLE evidence (
    evidence_id uuid PRIMARY KEY,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    message_id  uuid NOT NULL REFERENCES message,
    delivery_id uuid REFERENCES delivery,
    recipient   text COLLATE "C" NOT NULL,
    event       text COLLATE "C" NOT NULL,
    event_at    timestamptz NOT NULL,
    reasons     text[] NOT NULL,
    statement   bytea NOT NULL,
    signature   bytea NOT NULL,
    key_id      text COLLATE "C" NOT NULL
);
CREATE INDEX evidence_by_message ON evidence (message_id, position);

CREATE TRIGGER evidence_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER gate_finding_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON gate_finding
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER verification_report_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON verification_report
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
