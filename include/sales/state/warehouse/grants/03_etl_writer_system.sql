-- What a load and the health page ask of the server itself.
GRANT SELECT ON system.* TO zakaz_etl_writer, zakaz_backup
