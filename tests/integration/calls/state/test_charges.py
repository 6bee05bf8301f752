"""One ledger: what a run spent, what a text cost and what is left of a budget are sums over it."""

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from random import Random
from uuid import UUID

import psycopg
import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.metrics import MetricsReader
from include.calls.state.state import State
from include.calls.state.types import Run
from include.common.errors import ErrorCode, Temporary
from tests.kit.state_samples import (
    bought,
    call,
    charge,
    downloaded,
    executed,
    numbers,
    one,
    opened,
    rows,
    selected,
    text,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus
RATE = Decimal("0.006")
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)


GROW = (
    "INSERT INTO charges AS paid (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)"
    " VALUES (%s, %s, 1, %s, 'm', 'second', 1, %s, true)"
    " ON CONFLICT (recording_id, purchase_no, purpose, model, run_id) DO UPDATE SET usd = paid.usd + excluded.usd"
)


@pytest.fixture
def run(state: State) -> Run:
    """With one recording that is recognised now: 90 seconds, billed as 2 minutes."""
    run = opened(state, "1", call(1))
    downloaded(state, run, one(state, run))
    assert state.moves.take(run.run_id, one(state, run).recording_id, S.TRANSCRIBING, stage="transcribe")
    return run


def keep(state: State, run: Run, piece: str, usd: str, **other: str) -> None:
    row = one(state, run)
    state.responses.keep(run.run_id, row.recording_id, row.checksum or "", piece, "m", {}, charge(usd, **other))


def settle(state: State, run: Run, price: str, words: str = "Добрый день.") -> None:
    recording_id = one(state, run).recording_id
    with state.transaction():
        transcript_id = state.transcripts.keep(run.run_id, recording_id, text(words))
        assert state.moves.move(
            run.run_id, recording_id, S.COMPLETED, expected={S.TRANSCRIBING}, stage="transcribe",
            transcript_id=transcript_id, transcript_path="a.txt", audio_sec=Decimal("90.5"),
        )  # fmt: skip
        state.charges.round_up(run.run_id, recording_id, model="gpt-transcribe", minutes=2, price=Decimal(price))


def ledger(database: str) -> list[tuple[str, Decimal, Decimal, int, bool]]:
    return selected(database, "SELECT purpose, quantity, usd, requests, confirmed FROM charges ORDER BY charge_id")


class TestPayments:
    def test_a_row_grows_with_each_piece(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-40", "0.004", seconds="40")
        keep(state, run, "40-90", "0.005", seconds="50.5")
        assert ledger(database) == [("recognition", Decimal("90.5"), Decimal("0.009"), 2, True)]

    def test_a_piece_that_is_stored_twice_is_charged_once(self, state: State, run: Run, database: str) -> None:
        for _ in range(2):
            keep(state, run, "0-40", "0.004", seconds="40")
        assert ledger(database) == [("recognition", Decimal(40), Decimal("0.004"), 1, True)]

    def test_each_purpose_and_model_has_a_row(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-40", "0.004")
        keep(state, run, "0-40 again", "0.006", purpose="fallback", model="whisper-1")
        state.charges.charge(run.run_id, one(state, run).recording_id, charge("0.001", purpose="summary"))
        assert [purpose for purpose, *_ in ledger(database)] == ["recognition", "fallback", "summary"]

    def test_one_unconfirmed_quantity_makes_the_row_unconfirmed(self, state: State, run: Run, database: str) -> None:
        """The service itself reports a confirmed quantity."""
        recording_id = one(state, run).recording_id
        for confirmed in (True, False, True):
            paid = charge("0.001", purpose="summary")
            paid = type(paid)(paid.purpose, paid.model, "token", Decimal(100), paid.usd, confirmed)
            state.charges.charge(run.run_id, recording_id, paid)
        assert ledger(database) == [("summary", Decimal(300), Decimal("0.003"), 3, False)]


class TestPriceOfAText:
    def test_a_text_costs_its_minutes_rounded_up_once(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-40", "0.004", seconds="40")
        keep(state, run, "40-90", "0.005", seconds="50.5")
        settle(state, run, "0.012")
        assert ledger(database)[1] == ("rounding", Decimal("0.492"), Decimal("0.003"), 1, False)
        assert selected(database, "SELECT cost FROM call_records") == [(Decimal("0.012"),)]
        state.charges.round_up(
            run.run_id, one(state, run).recording_id, model="gpt-transcribe", minutes=2, price=Decimal("0.012")
        )
        assert len(ledger(database)) == 2

    def test_pieces_that_two_runs_paid_make_one_price(self, state: State, run: Run, database: str) -> None:
        """Neither run pays twice, and both sums together are the price."""
        keep(state, run, "0-40", "0.004")
        row = one(state, run)
        state.moves.take_back(run.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
        second = opened(state, "2", call(1))
        state.moves.take(second.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
        keep(state, second, "0-40", "0.004")
        keep(state, second, "40-90", "0.005")
        settle(state, second, "0.012")
        spent = [state.charges.spending(one.run_id, RATE).spent for one in (run, second)]
        assert spent == [Decimal("0.004"), Decimal("0.008")]
        assert numbers(selected(database, "SELECT cost FROM call_records")) == [Decimal("0.012")] * 2

    def test_pieces_dearer_than_the_price_are_not_refunded(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-90", "0.02")
        settle(state, run, "0.012")
        assert [usd for _, _, usd, *_ in ledger(database)] == [Decimal("0.02")]

    def test_a_text_that_cost_nothing_has_the_price_zero(self, state: State, run: Run, database: str) -> None:
        """The telephony system's own; a recording without a text has none."""
        row = one(state, run)
        state.responses.keep(
            run.run_id, row.recording_id, row.checksum or "", "whole", "telephony", {"text": "а"}, None
        )
        assert selected(database, "SELECT cost FROM call_records") == [(None,)]
        settle(state, run, "0")
        assert selected(database, "SELECT cost FROM call_records") == [(Decimal(0),)]
        assert ledger(database) == []

    def test_a_text_bought_anew_is_a_purchase_of_its_own(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-90", "0.009")
        settle(state, run, "0.012")
        executed(database, AGAIN, run.run_id)
        to_text(state, run, one(state, run), cost="0.02", words="Иные слова.")
        assert selected(database, "SELECT cost FROM call_records") == [(Decimal("0.02"),)]
        assert state.charges.spending(run.run_id, RATE).spent == Decimal("0.032")

    def test_pieces_of_a_failed_recording_count_for_the_next_try(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "0-40", "0.004")
        row = one(state, run)
        state.moves.move(
            run.run_id, row.recording_id, S.ERROR, expected={S.TRANSCRIBING}, stage="transcribe",
            error=Temporary("no answer", code=ErrorCode.STT_TIMEOUT), attempts_plus=1,
        )  # fmt: skip
        state.moves.take_up(run, stage="open_run", summaries=False, resumed=True)
        bought(state, run, row, cost="0.012")
        assert sum(usd for _, _, usd, *_ in ledger(database)) == Decimal("0.012")


class TestSpending:
    def test_recordings_at_work_count_at_their_expected_cost(self, state: State, run: Run) -> None:
        """That is the price of their minutes, less the pieces that are paid."""
        found = state.charges.spending(run.run_id, RATE)
        assert (found.spent, found.in_progress, found.approved) == (0, Decimal("0.012"), None)
        keep(state, run, "0-40", "0.004")
        found = state.charges.spending(run.run_id, RATE)
        assert (found.spent, found.in_progress) == (Decimal("0.004"), Decimal("0.008"))
        settle(state, run, "0.012")
        state.runs.approve(run.run_id, Decimal(5), stage="plan", detail={})
        found = state.charges.spending(run.run_id, RATE)
        assert (found.spent, found.in_progress, found.approved) == (Decimal("0.012"), 0, Decimal(5))

    def test_pieces_that_other_runs_paid_are_not_paid_again(self, state: State, run: Run) -> None:
        keep(state, run, "0-40", "0.004")
        row = one(state, run)
        state.moves.take_back(run.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
        second = opened(state, "2", call(1))
        state.moves.take(second.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
        assert state.charges.spending(second.run_id, RATE).in_progress == Decimal("0.008")
        assert state.charges.spending(run.run_id, RATE).in_progress == 0

    @pytest.mark.usefixtures("run")
    def test_downloads_and_other_runs_cost_nothing(self, state: State) -> None:
        other = opened(state, "2", call(2))
        state.moves.take(other.run_id, rows(state, other)[1].recording_id, S.DOWNLOADING, stage="download")
        found = state.charges.spending(other.run_id, RATE)
        assert (found.spent, found.in_progress) == (0, 0)


def test_every_sum_is_the_ledgers(state: State, run: Run, database: str) -> None:
    """The run's row, the metrics and the view of its calls say the same."""
    keep(state, run, "0-90", "0.009")
    settle(state, run, "0.012")
    state.charges.charge(run.run_id, one(state, run).recording_id, charge("0.001", purpose="summary"))
    state.runs.sum_up(run.run_id)
    now = state.runs.get(run.run_id)
    assert (now.total_cost, now.spent_cost) == (Decimal("0.013"), Decimal("0.013"))
    with MetricsReader.open(database) as reader:
        assert reader.figures(run_limit=Decimal(1)).records.cost == {
            "recognition": Decimal("0.012"),
            "summary": Decimal("0.001"),
        }
    assert selected(database, "SELECT cost FROM call_records") == [(Decimal("0.012"),)]
    assert selected(database, "SELECT sum(usd) FROM charges") == [(Decimal("0.013"),)]


def sums(database: str) -> tuple[dict[UUID, Decimal], dict[UUID, Decimal]]:
    """What each run has spent: as it is kept, and as the ledger adds up."""
    kept = selected(database, "SELECT run_id, usd FROM run_spending WHERE usd <> 0")
    added = selected(
        database, "SELECT run_id, sum(usd) FROM charges GROUP BY 1 HAVING run_id IS NOT NULL AND sum(usd) <> 0"
    )
    return dict(kept), dict(added)


@pytest.mark.long
class TestKeptSum:
    """The budget's question reads a sum that the ledger keeps; nothing makes the two differ."""

    @pytest.mark.parametrize("seed", range(5))
    def test_it_is_the_ledgers_sum_whatever_happens(self, state: State, database: str, seed: int) -> None:
        """New charges, charges that grow, move, vanish, or are taken back; `Random` from a seed picks."""
        chance = Random(seed)
        runs = [opened(state, f"{number}", call(1), call(2)).run_id for number in range(3)]
        recordings = [recording_id for (recording_id,) in selected(database, "SELECT recording_id FROM recordings")]
        for _ in range(120):
            run, recording = chance.choice([*runs, None]), chance.choice(recordings)
            purpose, usd = chance.choice(["recognition", "summary"]), Decimal(chance.randrange(1, 10**6)) / 10**6
            statements: list[tuple[str, tuple[object, ...]]] = [
                (GROW, (run, recording, purpose, usd)),
                ("UPDATE charges SET usd = %s WHERE recording_id = %s AND purpose = %s", (usd, recording, purpose)),
                ("UPDATE charges SET run_id = %s WHERE charge_id = (SELECT max(charge_id) FROM charges)"
                 " AND NOT EXISTS (SELECT FROM charges other WHERE other.run_id IS NOT DISTINCT FROM %s)", (run, run)),
                ("DELETE FROM charges WHERE charge_id IN (SELECT charge_id FROM charges ORDER BY usd LIMIT 1)", ()),
            ]  # fmt: skip
            statement, parameters = chance.choices(statements, weights=(6, 2, 1, 1))[0]
            with psycopg.connect(database) as connection:
                connection.execute(statement.encode(), parameters)
                if chance.random() < 0.2:
                    connection.rollback()
            kept, added = sums(database)
            assert kept == added

    def test_runs_that_pay_at_once_lose_no_charge(self, state: State, database: str) -> None:
        run = opened(state, "1", *map(call, range(1, 9)))
        recordings = [row.recording_id for row in rows(state, run)]

        def pay(recording_id: int) -> None:
            with State.open(database) as own:
                for _ in range(25):
                    own.charges.charge(run.run_id, recording_id, charge("0.001"))

        with ThreadPoolExecutor(8) as tasks:
            list(tasks.map(pay, recordings))
        kept, added = sums(database)
        assert kept == added == {run.run_id: Decimal("0.2")}

    def test_no_other_statement_may_write_it(self, state: State, run: Run, database: str) -> None:
        keep(state, run, "p1", "0.5")
        for statement in (
            "UPDATE run_spending SET usd = 0",
            "DELETE FROM run_spending",
            "INSERT INTO run_spending SELECT run_id, 1 FROM call_exports",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="change the charges"):
                executed(database, statement)
        executed(database, "TRUNCATE charges")
        assert sums(database) == ({}, {})

    def test_the_budgets_question_reads_no_charges_of_texts_that_are_bought(self, state: State, database: str) -> None:
        """However many there are: the plan does not contain the run's charges."""
        run = opened(state, "1", *map(call, range(1, 40)))
        for row in rows(state, run):
            state.charges.charge(run.run_id, row.recording_id, charge("0.01"))
        statement = state.session.statement("charges", "spending")
        with psycopg.connect(database) as connection:
            plan = connection.execute(
                b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, {"run_id": run.run_id, "rate_per_minute": RATE}
            ).fetchall()
        assert "run_spending" in str(plan)
        assert not re.search(r"'Relation Name': 'charges'[^{}]*'Actual Rows': [1-9]", str(plan))
        assert state.charges.spending(run.run_id, RATE).spent == Decimal("0.39")
