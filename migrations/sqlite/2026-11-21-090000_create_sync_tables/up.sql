-- Times are UTC. Amounts are hundredths of the location's currency. JSON is kept as TEXT so that both engines hold the same.

CREATE TABLE instance (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  tag TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
);

CREATE TABLE sync_configs (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  ghl_smart_list_id TEXT NOT NULL,
  ghl_smart_list_name TEXT NOT NULL,
  ghl_ltv_field_name TEXT NOT NULL, -- the field's key, such as contact.lifetime_value
  ghl_ltv_field_label TEXT NOT NULL, -- the field's name as people see it
  meta_ad_account_id TEXT NOT NULL,
  sync_enabled BOOLEAN NOT NULL,
  chosen BOOLEAN NOT NULL, -- saved by a person; otherwise what a run took from the environment
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);

CREATE TABLE sync_runs (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  config_id BIGINT NOT NULL REFERENCES sync_configs (id),
  triggered_by TEXT NOT NULL,
  started_at TIMESTAMP NOT NULL,
  completed_at TIMESTAMP,
  status TEXT NOT NULL,
  contacts_processed BIGINT NOT NULL DEFAULT 0,
  contacts_matched BIGINT, -- NULL unless Meta reported an exact count
  matched_lower BIGINT,
  matched_upper BIGINT,
  meta_audience_id TEXT,
  meta_audience_name TEXT,
  meta_lookalike_id TEXT, -- of the first lookalike; all are in sync_lookalikes
  meta_lookalike_name TEXT,
  error_message TEXT,
  error_step TEXT,
  error_remedy TEXT,
  error_provider_code TEXT,
  error_trace_id TEXT,
  accounting TEXT NOT NULL, -- JSON
  changes_added BIGINT,
  changes_removed BIGINT,
  normalization_stats TEXT, -- JSON
  ranking_report TEXT -- JSON
);
CREATE INDEX sync_runs_by_status ON sync_runs (status, id);
CREATE INDEX sync_runs_by_config ON sync_runs (config_id);

CREATE TABLE sync_steps (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  sync_run_id BIGINT NOT NULL REFERENCES sync_runs (id),
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at TIMESTAMP NOT NULL,
  completed_at TIMESTAMP,
  done BIGINT NOT NULL DEFAULT 0,
  total BIGINT,
  detail TEXT,
  UNIQUE (sync_run_id, name)
);

CREATE TABLE sync_lookalikes (
  sync_run_id BIGINT NOT NULL REFERENCES sync_runs (id),
  position INTEGER NOT NULL, -- 0 is the one repeated in sync_runs
  meta_lookalike_id TEXT,
  name TEXT NOT NULL,
  country TEXT NOT NULL,
  ratio_percent INTEGER NOT NULL,
  status TEXT NOT NULL,
  note TEXT,
  PRIMARY KEY (sync_run_id, position)
);

CREATE TABLE sync_intentions (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  sync_run_id BIGINT NOT NULL REFERENCES sync_runs (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  remote_id TEXT,
  created_at TIMESTAMP NOT NULL,
  closed_at TIMESTAMP, -- NULL: recovery still has to look at it
  outcome TEXT
);
CREATE INDEX sync_intentions_by_run ON sync_intentions (sync_run_id);
CREATE INDEX sync_intentions_open ON sync_intentions (id) WHERE closed_at IS NULL;

CREATE TABLE sync_lease (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  holder TEXT, -- NULL: free
  sync_run_id BIGINT REFERENCES sync_runs (id),
  expires_at TIMESTAMP
);
INSERT INTO sync_lease (id) VALUES (1);

CREATE TABLE sync_contacts (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  sync_run_id BIGINT NOT NULL REFERENCES sync_runs (id),
  ghl_contact_id TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  first_name TEXT,
  last_name TEXT,
  raw_ltv_cents BIGINT,
  -- SQLite would keep a NUMERIC as a float and lose cents, so the exact decimal is text here; sort by raw_ltv_cents.
  raw_ltv TEXT GENERATED ALWAYS AS (
    CASE WHEN raw_ltv_cents IS NOT NULL THEN printf(
      '%s%d.%02d', CASE WHEN raw_ltv_cents < 0 THEN '-' ELSE '' END, abs(raw_ltv_cents / 100), abs(raw_ltv_cents % 100)
    ) END
  ) VIRTUAL,
  normalized_value INTEGER CHECK (normalized_value BETWEEN 0 AND 100),
  bucket TEXT NOT NULL,
  reason TEXT,
  meta_matched BOOLEAN, -- NULL: Meta does not report matches per contact; FALSE: it refused the row
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX sync_contacts_by_rank ON sync_contacts (sync_run_id, bucket, normalized_value);
CREATE INDEX sync_contacts_by_contact ON sync_contacts (sync_run_id, bucket, ghl_contact_id);

CREATE TABLE mail_outbox (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  sync_run_id BIGINT NOT NULL REFERENCES sync_runs (id),
  kind TEXT NOT NULL,
  message_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at TIMESTAMP NOT NULL,
  next_attempt_at TIMESTAMP NOT NULL,
  sent_at TIMESTAMP,
  given_up_at TIMESTAMP,
  last_error TEXT,
  UNIQUE (sync_run_id, kind)
);
CREATE INDEX mail_outbox_waiting ON mail_outbox (next_attempt_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
