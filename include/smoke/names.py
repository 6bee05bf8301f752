"""Airflow ids of the area `smoke`. Values only."""

DAG_ID = "stt_smoke"
STUB = "stub"  # the engine that is the simulator
DEFAULT = "default"  # the engine that the settings of the product describe
STUB_SERVICE = "stt_stub"  # in the place of a connection: the simulator of `make stt-smoke`
FOLDER = "stt_smoke"  # in the storage
