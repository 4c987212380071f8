-- What people are told, by e-mail or webhook, about a run or about the installation.
CREATE TABLE outbox (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  sync_run_id BIGINT REFERENCES sync_runs (id), -- NULL: about the installation
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  message_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at TIMESTAMP NOT NULL,
  next_attempt_at TIMESTAMP NOT NULL,
  sent_at TIMESTAMP,
  given_up_at TIMESTAMP,
  last_error TEXT,
  UNIQUE (sync_run_id, channel, kind)
);
CREATE UNIQUE INDEX outbox_of_the_installation ON outbox (channel, kind) WHERE sync_run_id IS NULL;
CREATE INDEX outbox_by_channel ON outbox (channel, id);
CREATE INDEX outbox_waiting ON outbox (next_attempt_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
INSERT INTO outbox (sync_run_id, channel, kind, message_id, attempts, queued_at, next_attempt_at, sent_at, given_up_at, last_error)
SELECT sync_run_id, 'mail', kind, message_id, attempts, queued_at, next_attempt_at, sent_at, given_up_at, last_error
FROM mail_outbox ORDER BY id;
DROP TABLE mail_outbox;

ALTER TABLE sync_runs ADD COLUMN scheduled_for TIMESTAMP; -- the moment of the schedule that a run was made for

-- Whoever is erased is looked for by the contact, in all runs.
CREATE INDEX sync_contacts_of_contact ON sync_contacts (ghl_contact_id);

-- Two lists of a name can not be told apart where one is chosen.
UPDATE saved_filters SET name = name || ' (list ' || id || ', renamed)'
WHERE EXISTS (SELECT 1 FROM saved_filters older WHERE older.name = saved_filters.name AND older.id < saved_filters.id);
CREATE UNIQUE INDEX saved_filters_by_name ON saved_filters (name);
