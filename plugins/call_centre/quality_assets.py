"""The results of a run as an asset, for which other DAGs wait. An alias: a run without scores has no event."""

from airflow.sdk import Asset, AssetAlias

from include.common.names import TEXTS_ASSET

NEW_TEXTS = Asset(TEXTS_ASSET)
PUBLISHED = AssetAlias("callcenter/published")
