-- People and DataLens read views only.
GRANT SELECT ON {database}.v_ad_spend_daily TO zakaz_reader
