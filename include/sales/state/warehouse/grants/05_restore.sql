-- Where a copy is restored to be compared; a restore takes its tables from there.
GRANT CREATE, DROP, INSERT, SELECT ON {database}_restore.* TO zakaz_backup
