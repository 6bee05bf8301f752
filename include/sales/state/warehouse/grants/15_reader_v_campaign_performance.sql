-- People and DataLens read views only.
GRANT SELECT ON {database}.v_campaign_performance TO zakaz_reader
