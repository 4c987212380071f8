DROP TABLE sync_schedule_slots;
DROP TABLE sync_schedule;
DROP TABLE saved_settings;
