"""What a setting of the smoke test accepts, by the English description of its kind (`include/smoke/policy.py`)."""

ACCEPTED_VALUES = {"a path of a playlist": "путь к плейлисту"}
