-- In which country the run read the phone number: ISO 3166-1, two lower-case letters. NULL: there is no number, or none was
-- recorded, and then a number without country code tells nobody whose it is.
ALTER TABLE sync_contacts ADD COLUMN country TEXT;
