DROP INDEX sync_runs_of_slot;
ALTER TABLE sync_schedule_slots DROP COLUMN settled_at;
