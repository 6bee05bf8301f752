-- People and DataLens read views only.
GRANT SELECT ON {database}.v_tickets TO zakaz_reader
