"""The protections that must carry weight: the exact text that holds each, what it becomes, and the tests that miss it.

`old` occurs exactly once in `file` (a unit test checks that), so an edit of a protection brings its author here. The
tests are the narrowest that hold the rule: they must fail while the text is out.
"""

from dataclasses import dataclass

_STATE = "include/calls/state"
_STEPS = "include/calls/steps"
_OF_STATE = "tests/integration/calls/state"
_OF_STEPS = "tests/integration/calls/steps"
_CALLS = "tests/integration/calls"
_SCORES = "tests/integration/call_centre/steps"


@dataclass(frozen=True, slots=True)
class Protection:
    """`tests` are arguments of pytest; `what` is what happens without the protection."""

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


PROTECTIONS = (
    Protection(
        "unique score key",
        "two runs keep two scores of one text by one judge",
        "include/calls/state/migrations/versions/0021_call_quality.sql",
        "    UNIQUE (text_checksum, card_hash, prompt_version, model)",
        "    UNIQUE (score_id, card_hash)",
        (f"{_SCORES}/test_score_batch.py", "-k", "refused_by_the_table"),
    ),
    Protection(
        "evidence of a score",
        "an answer counts although its words were never said",
        "include/call_centre/domain/evidence.py",
        '    return criterion.evidence.get(answer, "none") == "none" or any(one.holds for one in evidence)',
        "    return True",
        ("tests/unit/call_centre/domain/test_score_question.py", "-k", "becomes_unknown"),
    ),
    Protection(
        "claim on a score",
        "two tasks buy the same score at once",
        "include/call_centre/steps/score_batch.py",
        "            if not ours:",
        "            if False:",
        (f"{_SCORES}/test_score_batch.py", "-k", "claimed_text"),
    ),
    Protection(
        "ceiling of a scoring run",
        "a run spends on although its budget is spent",
        "include/call_centre/steps/score_batch.py",
        "    if spent >= ceiling:",
        "    if False:",
        (f"{_SCORES}/test_score_batch.py", "-k", "budget_is_spent"),
    ),
    Protection(
        "uncalibrated judges in averages",
        "people are ranked by a judge that was never measured",
        "include/call_centre/state/quality_people.sql",
        "score.open_disputes = 0 AND judge.status = 'pass'",
        "score.open_disputes = 0",
        (f"{_SCORES}/test_judge_score.py", "-k", "no_part_in_averages"),
    ),
    Protection(
        "claim",
        "two tasks buy the text of one call",
        f"{_STATE}/claims.sql",
        " WHERE claim.until < clock_timestamp()\nRETURNING true",
        "RETURNING true",
        (f"{_OF_STATE}/test_claims.py", "-k", "two_tasks"),
    ),
    Protection(
        "claim in each move",
        "a task that was believed dead moves its successor's recording",
        f"{_STATE}/moves.sql",
        "AND task.owner IS NOT DISTINCT FROM :owner",
        "AND (task.owner IS NOT NULL OR :owner::uuid IS NULL OR true)",
        (f"{_OF_STATE}/test_claims.py", "-k", "only_the_claim"),
    ),
    Protection(
        "claim before each request",
        "a task that has lost its claim goes on buying",
        f"{_STEPS}/transcribe_recording.py",
        "        if not audio.claim.alive():",
        "        if False:",
        (f"{_OF_STEPS}/test_transcribe_batch.py", "-k", "what_the_other_run_buys"),
    ),
    Protection(
        "guarded move",
        "two tasks move one recording",
        f"{_STATE}/moves.sql",
        "WHERE own.recording_id = :recording_id AND own.status = ANY(:expected)\n"
        "       AND (own.status <> ALL(:at_work) OR task.recording_id IS NOT NULL)",
        "WHERE own.recording_id = :recording_id AND (:expected::text[] IS NOT NULL OR :at_work::text[] IS NOT NULL)",
        (f"{_OF_STATE}/test_moves.py", "-k", "first_of_two or by_its_run_only"),
    ),
    Protection(
        "response kept when it comes",
        "a killed task pays for the same piece again",
        f"{_STATE}/stored_responses.py",
        '            try:\n                self._session.count(_FILE, "keep_response", **values, **paid, **payer)\n',
        "            try:\n                return\n",
        (f"{_OF_STATE}/test_stored_responses.py",),
    ),
    Protection(
        "budget before each recording",
        "a run spends more than it may",
        f"{_STEPS}/transcribe_batch.py",
        "            refuse_if_spent(work.run.run_id, work.state, policy.stt, policy.money)\n",
        "",
        (f"{_OF_STEPS}/test_spending.py", "-k", "stops_where or two_recordings"),
    ),
    Protection(
        "stop before each download",
        "a stopped run goes on downloading",
        f"{_STEPS}/download.py",
        "            self._refuse_if_stopped()\n            self.linked.popleft()\n",
        "            self.linked.popleft()\n",
        (f"{_OF_STEPS}/test_download.py", "-k", "a_stop_reaches"),
    ),
    Protection(
        "stop before each recognition",
        "a stopped run goes on buying texts",
        f"{_STEPS}/transcribe_batch.py",
        "            refuse_if_stopped(run_id, state)\n",
        "",
        (f"{_OF_STEPS}/test_transcribe_batch.py", "-k", "TestStop"),
    ),
    Protection(
        "stop before each summary",
        "a stopped run goes on buying summaries",
        f"{_STEPS}/summarize.py",
        "        refuse_if_stopped(run_id, state)\n",
        "",
        (f"{_OF_STEPS}/test_summarize.py", "-k", "stopped"),
    ),
    Protection(
        "five deaths",
        "a file that kills its tasks keeps the run from ending",
        f"{_STEPS}/outcome.py",
        "        if deaths >= MOST_DEATHS:\n",
        "        if False:\n",
        (f"{_OF_STEPS}/test_transcribe_batch.py", "-k", "five_deaths_make or downloads_count"),
    ),
    Protection(
        "five deaths on a summary",
        "a text that kills its tasks keeps the run from ending",
        f"{_STEPS}/summarize.py",
        "        if earlier.deaths >= MOST_DEATHS:\n",
        "        if False:\n",
        (f"{_OF_STEPS}/test_summarize.py", "-k", "five_deaths"),
    ),
    Protection(
        "no resume of a live run",
        "two DAG runs work on a run and close it twice",
        f"{_STEPS}/run_lifecycle.py",
        "or not is_live(run.worked_by):",
        "or True:",
        (f"{_CALLS}/test_runs_that_meet.py", "-k", "refused_and_the_live or of_two_resumes"),
    ),
    Protection(
        "the owner closes the run",
        "a DAG run that lost the run gives it a verdict",
        f"{_STATE}/runs.sql",
        "       AND (:runs::boolean OR :worker::text IS NULL"
        " OR :worker = coalesce(metadata ->> 'worked_by', dag_run_id))\n",
        "       AND (:runs::boolean OR :worker::text IS NOT NULL OR true)\n",
        (f"{_OF_STATE}/test_runs.py", "-k", "by_another_dag_run"),
    ),
    Protection(
        "one writer of a folder",
        "an older registry replaces a newer one",
        f"{_STEPS}/publish.py",
        "            Publications(state.session).lock(_key(run))  # for all files of the registry and the report\n",
        "",
        (f"{_OF_STEPS}/test_live_registry.py", "-k", "being_drawn"),
    ),
    Protection(
        "owner of a folder",
        "an older run published again replaces the later registry",
        f"{_STEPS}/publish.py",
        "            owner = _owner(run, state)\n",
        "            owner = run\n",
        (f"{_CALLS}/test_files_of_one_folder.py", "-k", "older_run_published or further"),
    ),
    Protection(
        "a complete registry stays in mid-run",
        "a half registry replaces a complete one",
        f"{_STATE}/publications.sql",
        "       AND NOT coalesce(there.complete, false)\n",
        "",
        (f"{_OF_STATE}/test_publications.py", "-k", "TestLive"),
    ),
    Protection(
        "period of each listed row",
        "a portal that ignores the filter fills the period with foreign calls",
        "include/clients/bitrix24/call_listing.py",
        "            _check_period(row, self.period)\n",
        "",
        ("tests/simulators/clients/bitrix24/test_call_listing.py", "-k", "period"),
    ),
    Protection(
        "a refusal blocks all requests",
        "tasks go on asking a portal that has refused",
        "include/clients/bitrix24/pace.sql",
        "SET next_permit_at = greatest(pace.next_permit_at, pace.blocked_until, clock_timestamp()\n",
        "SET next_permit_at = greatest(pace.next_permit_at, clock_timestamp()\n",
        ("tests/integration/clients/bitrix24/test_pace.py", "-k", "refusal_blocks"),
    ),
    Protection(
        "no private address",
        "a link to a recording reads a server of the internal network",
        "include/common/host_guard.py",
        "        if not private_too and not all(_is_public(address) for address in found):\n",
        "        if False:\n",
        ("tests/unit/common/test_host_guard.py",),
    ),
    Protection(
        "only hosts of the portal",
        "a link to a recording leads to any server",
        "include/common/host_guard.py",
        "        if not self._storage.fullmatch(host):\n",
        "        if False:\n",
        ("tests/unit/common/test_host_guard.py",),
    ),
    Protection(
        "keys stay inside the storage",
        "an id of the portal becomes a path outside the storage",
        "include/clients/storage/base.py",
        '    if bad or "\\0" in key or "\\\\" in key:\n',
        "    if False:\n",
        ("tests/integration/clients/storage/test_storage.py", "-k", "unsafe_key and not s3"),
    ),
    Protection(
        "checksum before payment",
        "a changed file is bought as the recording",
        f"{_STEPS}/transcribe_recording.py",
        "        if checksum != row.checksum:\n",
        "        if False:\n",
        ("tests/faults/test_storage.py", "-k", "true_recording"),
    ),
    Protection(
        "size of a download",
        "one file fills the disk",
        "include/common/audio_download.py",
        "        if size > max_bytes:\n",
        "        if False:\n",
        ("tests/unit/common/test_audio_download.py",),
    ),
    Protection(
        "secrets in messages",
        "a token of the portal is in logs and messages",
        "include/common/masking.py",
        "        text = pattern.sub(replacement, text)\n",
        "        pass\n",
        ("tests/unit/common/test_masking.py",),
    ),
    Protection(
        "an erased text stays erased",
        "a text that a person had erased is written again",
        f"{_STEPS}/restore_texts.py",
        "    if not text.body:\n",
        "    if False:\n",
        (f"{_OF_STEPS}/test_deliver.py", "-k", "erased"),
    ),
    Protection(
        "no formula in the registry",
        "a field of the portal is computed by the spreadsheet that opens it",
        "include/common/spreadsheet_cells.py",
        "    return MARK + value if _is_formula(value.lstrip(MARK)) else value\n",
        "    return value\n",
        ("tests/unit/common/test_spreadsheet_cells.py",),
    ),
    Protection(
        "a text sent back is one purchase",
        "a text that a person sends back is never bought again, or by each run that meets it",
        f"{_STATE}/migrations/versions/0001_initial.sql",
        "CASE WHEN sent_back AND OLD.status = 'completed' THEN 1 ELSE 0 END",
        "0",
        (f"{_CALLS}/test_overlap_and_resume.py", "-k", "sent_back_is_bought_once"),
    ),
    Protection(
        "the portal's refusals have an index",
        "each report reads the whole history",
        f"{_STATE}/migrations/versions/0001_initial.sql",
        "CREATE INDEX call_events_portal_refusals ON call_events (at)"
        " WHERE event IN ('portal_refused', 'low_rate_on');",
        "",
        (f"{_OF_STATE}/test_figures.py", "-k", "without_reading_the_history"),
    ),
    Protection(
        "a text answers its dead letter",
        "the DLQ never shrinks for a recording that got its text",
        f"{_STATE}/metrics.sql",
        "WHERE replayed_at IS NULL AND status <> 'completed';",
        "WHERE replayed_at IS NULL;",
        (f"{_OF_STATE}/test_metrics.py", "-k", "renamed_recording"),
    ),
    Protection(
        "an unusable response is charged",
        "money that was paid is in no ledger",
        f"{_STEPS}/summarize.py",
        "    work.state.charges.charge(work.run_id, row.recording_id, _charge(cost))\n",
        "    return\n",
        (f"{_OF_STEPS}/test_summarize.py", "-k", "unusable_response_is_charged"),
    ),
)
