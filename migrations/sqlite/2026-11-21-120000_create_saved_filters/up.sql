-- Lists that a person made of conditions. An id is never given twice: runs are compared by it.
CREATE TABLE saved_filters (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  conditions TEXT NOT NULL, -- JSON, as POST /contacts/search takes them
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);

ALTER TABLE sync_configs ADD COLUMN list_conditions TEXT; -- JSON, of the saved filter when the row was made
