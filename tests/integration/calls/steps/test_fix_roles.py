"""Roles of one call that a person corrects: the text follows, stays so through a rebuild, and can be taken back."""

from pathlib import Path

import pytest

from include.calls.state.audit import AuditLog
from include.calls.state.role_overrides import RoleOverrides
from include.calls.steps.fix_roles import as_it_would_be, fix_roles, operator_channel
from include.calls.steps.publish import publish
from include.calls.steps.reconcile import show_corrections
from include.common.errors import BadInput, Temporary
from tests.integration.calls.steps.test_rebuild import buy, check_swapped, rebuild, swapped, texts, world
from tests.kit.small_world import by_sql
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres


def test_corrected_roles_hold_until_they_are_taken_back(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export, export.state() as state:
        run_id = buy(export)
        publish(run_id, state, export.storage, export.policy)
        before = texts(export, run_id)
        rows = {row.call_id: row for row in export.records(run_id)}
        recording = state.recordings.get(rows["call-1"].recording_id)
        assert recording.transcript_id is not None
        text = state.transcripts.get(recording.transcript_id)
        shown = as_it_would_be(recording, text, "right", state, export.storage, export.policy)
        check_swapped(before["call-1"], shown)
        assert texts(export, run_id) == before, "a preview changes nothing"

        def fix(channel: str | None) -> bool:
            return fix_roles(
                recording, run_id, channel, state, export.storage, export.policy, by="analyst", note={"request": "1"}
            )  # type: ignore[arg-type]

        assert fix("right")
        assert not fix("right"), "a second click finds it done"
        after = texts(export, run_id)
        check_swapped(before["call-1"], after["call-1"])
        assert after["call-2"] == before["call-2"], "one call, not its line"
        assert operator_channel(recording, text, state, export.policy) == "right"
        assert RoleOverrides(state.session).of_line(recording.phone_line) == 1
        assert rebuild(export, run_id, export.policy).changed == 0, "a rebuild keeps what a person said"
        assert rebuild(export, run_id, swapped(export.policy, recording.phone_line)).changed == 0
        done = by_sql(database, "SELECT event, detail ->> 'by' FROM call_events WHERE event = 'roles_changed'")
        assert done == [("roles_changed", "analyst")]
        assert [entry.action for entry in AuditLog(state.session).entries()].count("roles_changed") == 1

        by_sql(database, "UPDATE call_exports SET status = 'completed', finished_at = now() RETURNING 1")
        assert show_corrections(state, export.storage, export.policy) == 1
        assert show_corrections(state, export.storage, export.policy) == 0, "registry and report show it already"
        assert fix(None)
        assert texts(export, run_id) == before
        assert RoleOverrides(state.session).of_line(recording.phone_line) == 0
        assert show_corrections(state, export.storage, export.policy) == 1

        mono = state.recordings.get(rows["call-3"].recording_id)
        with pytest.raises(BadInput, match="not those of channels"):
            fix_roles(mono, run_id, "right", state, export.storage, export.policy, by="analyst", note={})
        with state.claims.hold(recording.portal_id, recording.call_id), pytest.raises(Temporary):
            fix("right")
        export.storage.delete(recording.keys.recognition)
        with pytest.raises(BadInput, match="responses are gone"):
            fix("right")
        assert RoleOverrides(state.session).channel_of(recording.recording_id) is None, "nothing was stored"
