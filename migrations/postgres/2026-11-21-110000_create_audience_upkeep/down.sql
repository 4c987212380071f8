DROP TABLE pending_removals;
DROP TABLE suppressed_people;
DROP TABLE sync_replacements;
DROP TABLE stable_members;
DROP TABLE stable_audiences;
ALTER TABLE instance DROP COLUMN suppression_key;
ALTER TABLE sync_runs DROP COLUMN refused_samples;
ALTER TABLE sync_runs DROP COLUMN audience_deleted_at;
ALTER TABLE sync_runs DROP COLUMN waiting_until;
