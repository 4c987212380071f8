-- In which country the run read the phone number: ISO 3166-1, two lower-case letters. NULL: there is no number, or none was
-- recorded, and then a number without country code tells nobody whose it is.
ALTER TABLE sync_contacts ADD COLUMN country TEXT;

-- Old contacts go day by day. The server would tidy up only once a fifth of all rows are gone, which is a week's.
ALTER TABLE sync_contacts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
