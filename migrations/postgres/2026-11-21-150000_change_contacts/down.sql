ALTER TABLE sync_contacts RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE sync_contacts DROP COLUMN country;
