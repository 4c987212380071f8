ALTER TABLE sync_contacts DROP COLUMN country;
