DROP INDEX saved_filters_by_name;
DROP INDEX sync_contacts_of_contact;
ALTER TABLE sync_runs DROP COLUMN scheduled_for;

-- Only e-mails about runs have a place there.
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
INSERT INTO mail_outbox (sync_run_id, kind, message_id, attempts, queued_at, next_attempt_at, sent_at, given_up_at, last_error)
SELECT sync_run_id, kind, message_id, attempts, queued_at, next_attempt_at, sent_at, given_up_at, last_error
FROM outbox WHERE channel = 'mail' AND sync_run_id IS NOT NULL ORDER BY id;
DROP TABLE outbox;
