"""A playlist is a stranger's file: what is refused, and what an entry's thresholds are."""

from typing import Any

import pytest

from include.common.errors import BadInput
from include.smoke.domain.playlist import playlist_of

ENTRY = {"call_id": "1", "record_id": "2", "audio": "audio/1.mp3", "sha256": "0" * 64, "expected": "expected/1.txt"}
HEAD = {"name": "demo", "period": {"from": "2025-08-01", "to": "2025-08-31"}}


def tree(**changed: Any) -> dict[str, Any]:
    return HEAD | {"entries": [{name: value for name, value in (ENTRY | changed).items() if value is not None}]}


def test_a_playlist_is_read() -> None:
    found = playlist_of(tree(thresholds={"wer": 0.1}) | {"thresholds": {"wer": 0.2, "cer": 0.3}})
    thresholds = found.thresholds_of(found.entries[0])
    assert (thresholds.wer, thresholds.cer, thresholds.role_error) == (0.1, 0.3, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"audio": "../secret.wav"},
        {"audio": "/etc/passwd"},
        {"audio": "audio/../../x.wav"},
        {"audio": "audio\\x.wav"},
        {"audio": ""},
        {"expected": "a//b.txt"},
        {"call_id": "../1"},
        {"call_id": ".hidden"},
        {"call_id": "a/b"},
        {"sha256": "abc"},
        {"expected": None},
        {"expect_error": "not_audio"},
        {"expected": None, "expect_error": "no_such_code"},
        {"thresholds": {"wer": -1}},
        {"thresholds": {"wer": float("nan")}},
        {"unknown": 1},
    ],
)
def test_a_playlist_that_cannot_be_used_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        playlist_of(tree(**changed))
    assert refused.value.problem == "playlist_unusable"
    assert str(refused.value.facts["where"]).startswith("entries")


@pytest.mark.parametrize("other", [None, [], "text", {"name": "x"}, HEAD | {"entries": [ENTRY, ENTRY]}])
def test_another_form_is_refused(other: object) -> None:
    with pytest.raises(BadInput):
        playlist_of(other)
