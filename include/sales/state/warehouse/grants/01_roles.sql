-- A person at the server makes the users and gives them these roles: no password passes through the package.
CREATE ROLE IF NOT EXISTS zakaz_etl_writer, zakaz_backup, zakaz_reader
