-- Since when the moment needs nobody any more: its run was begun, or was left out on purpose. Until then whoever finds it
-- abandoned takes it over.
ALTER TABLE sync_schedule_slots ADD COLUMN settled_at TIMESTAMP;
UPDATE sync_schedule_slots SET settled_at = claimed_at;
