-- Copies of the database; a restore goes into the database beside it.
GRANT SELECT, BACKUP ON {database}.* TO zakaz_backup
