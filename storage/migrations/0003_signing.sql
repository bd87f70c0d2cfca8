-- What lives between two calls: signatures that wait for their value, and work that takes long.

-- A signature prepared here and signed elsewhere. The document is in the row where it came inside
-- the request, else an object; a worker other than the one that prepared it may complete it. What
-- was prepared is forgotten once it is completed, the row some time after it has expired.
CREATE TABLE signing_session (
    session_id      uuid PRIMARY KEY,
    caller          text COLLATE "C" NOT NULL,
    document_digest text COLLATE "C" NOT NULL CHECK (document_digest ~ '^[0-9a-f]{64}$'),
    document        bytea,
    prepared        text,
    filled          bytea NOT NULL,
    certificates    bytea[] NOT NULL CHECK (cardinality(certificates) > 0),
    role            text COLLATE "C" NOT NULL CHECK (role IN ('SIGNER', 'SEAL')),
    level           text COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    completed_at    timestamptz,
    CHECK ((prepared IS NULL) = (completed_at IS NOT NULL))
);
CREATE INDEX signing_session_by_expiry ON signing_session (expires_at);

-- Long-running work, done by whichever worker claims it. A claim lasts until leased_until and is
-- renewed by its worker; where the worker died, another one claims the work again.
CREATE TABLE operation (
    operation_id    uuid PRIMARY KEY,
    caller          text COLLATE "C" NOT NULL,
    method          text COLLATE "C" NOT NULL CHECK (method <> ''),
    task            jsonb NOT NULL,
    document_digest text COLLATE "C" NOT NULL CHECK (document_digest ~ '^[0-9a-f]{64}$'),
    document        bytea,
    state           text COLLATE "C" NOT NULL
                    CHECK (state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED')),
    attempts        integer NOT NULL DEFAULT 0,
    cancelled       boolean NOT NULL DEFAULT false,
    claim           uuid,
    leased_until    timestamptz,
    due_at          timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    response        bytea,
    reason          text COLLATE "C",
    CHECK ((state = 'RUNNING') = (claim IS NOT NULL)),
    CHECK ((claim IS NULL) = (leased_until IS NULL)),
    CHECK ((state IN ('DONE', 'FAILED')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'DONE') = (response IS NOT NULL)),
    CHECK ((state = 'FAILED') = (reason IS NOT NULL))
);
CREATE INDEX operation_by_caller ON operation (caller, created_at, operation_id);
CREATE INDEX operation_open ON operation (due_at) WHERE state IN ('WAITING', 'RUNNING');
