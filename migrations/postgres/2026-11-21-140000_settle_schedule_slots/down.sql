ALTER TABLE sync_schedule_slots DROP COLUMN settled_at;
