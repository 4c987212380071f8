CREATE TABLE saved_settings (
  name TEXT NOT NULL PRIMARY KEY, -- as in the environment, such as LTV_MIN
  value TEXT NOT NULL,
  updated_at TIMESTAMP NOT NULL
);

CREATE TABLE sync_schedule (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  last_seen_at TIMESTAMP -- up to here the schedule was looked through; NULL: never yet
);
INSERT INTO sync_schedule (id) VALUES (1);

CREATE TABLE sync_schedule_slots (
  slot TIMESTAMP NOT NULL PRIMARY KEY, -- a moment of the schedule that one process has taken
  claimed_at TIMESTAMP NOT NULL
);
