-- People and DataLens read views only.
GRANT SELECT ON {database}.v_campaign_daily TO zakaz_reader
