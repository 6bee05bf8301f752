-- Where a copy is restored to be compared, and dropped.
GRANT CREATE, DROP, INSERT, SELECT ON {database}_restore.* TO zakaz_backup
