-- People and DataLens read views only.
GRANT SELECT ON {database}.v_sales_14d TO zakaz_reader
