-- Hashes are the 32 bytes of a SHA-256, of a match key as Meta gets it unless said otherwise.

ALTER TABLE sync_runs ADD COLUMN waiting_until TIMESTAMP; -- Meta asked to slow down until then
ALTER TABLE sync_runs ADD COLUMN audience_deleted_at TIMESTAMP; -- by the clean-up
ALTER TABLE sync_runs ADD COLUMN refused_samples TEXT; -- JSON
ALTER TABLE instance ADD COLUMN suppression_key BLOB;

CREATE TABLE stable_audiences (
  ad_account_id TEXT NOT NULL,
  audience_id TEXT NOT NULL,
  name TEXT NOT NULL,
  birthdays BOOLEAN NOT NULL, -- one schema for its whole life
  limited_data_use BOOLEAN NOT NULL,
  adopted BOOLEAN NOT NULL, -- existed before; it is not ours to delete
  replace_refused_at TIMESTAMP, -- Meta takes only additions and removals
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (ad_account_id, adopted) -- one of our own, and one that was chosen
);

-- No reference to sync_runs: its check would cost seconds for a million members, and runs are never deleted.
CREATE TABLE stable_members (
  audience_id TEXT NOT NULL,
  person_key BLOB NOT NULL, -- of the two hashes
  email_hash BLOB,
  phone_hash BLOB,
  value BIGINT NOT NULL,
  delivered_value BIGINT, -- what Meta certainly holds; NULL: nothing, or not certain
  run_id BIGINT NOT NULL, -- the run that staged it last
  PRIMARY KEY (audience_id, person_key)
) WITHOUT ROWID;
CREATE INDEX stable_members_by_email ON stable_members (email_hash);
CREATE INDEX stable_members_by_phone ON stable_members (phone_hash);

CREATE TABLE sync_replacements (
  run_id BIGINT NOT NULL PRIMARY KEY REFERENCES sync_runs (id),
  audience_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  total_rows BIGINT NOT NULL,
  opened_at TIMESTAMP NOT NULL, -- the present session
  begun_at TIMESTAMP NOT NULL, -- the first one
  closed_at TIMESTAMP -- NULL: the audience may be half empty
);

CREATE TABLE suppressed_people (
  key_hash BLOB NOT NULL PRIMARY KEY, -- HMAC under instance.suppression_key
  created_at TIMESTAMP NOT NULL
);

CREATE TABLE pending_removals (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  person_key BLOB NOT NULL UNIQUE,
  email_hash BLOB,
  phone_hash BLOB,
  cause TEXT NOT NULL,
  requested_at TIMESTAMP NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT
);
