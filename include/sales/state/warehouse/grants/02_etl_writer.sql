-- The loaders: rows are added, never changed or removed.
GRANT SELECT, INSERT ON {database}.* TO zakaz_etl_writer
