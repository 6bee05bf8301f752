-- People and DataLens read views only.
GRANT SELECT ON {database}.v_sales_by_city TO zakaz_reader
