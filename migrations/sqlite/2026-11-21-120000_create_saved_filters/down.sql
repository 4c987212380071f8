ALTER TABLE sync_configs DROP COLUMN list_conditions;
DROP TABLE saved_filters;
