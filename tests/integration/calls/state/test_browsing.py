"""Lists, search and facets of the call browser over a real PostgreSQL, with few calls and with thousands."""

from datetime import UTC, datetime, timedelta

import pytest

from include.calls.domain.call_filter import CallFilter, Place, ReaderScope
from include.calls.domain.qa_sample import QaCheck
from include.calls.state.browsing import BEGIN, END, Browsing, Words
from include.calls.state.qa import QaChecks
from include.calls.state.state import State
from include.calls.state.types import Run
from tests.kit.state_samples import call, opened, rows, text, to_text

pytestmark = pytest.mark.postgres

ALL = CallFilter()


def spoken(*lines: str) -> str:
    speakers = ("Оператор", "Клиент")
    return "".join(f"[00:00:{2 * n:02}] [{speakers[n % 2]}]: {line}\n" for n, line in enumerate(lines))


TEXTS = {
    1: spoken("Добрый день, слушаю вас.", "Хочу возврат денег, чайник не работает."),
    2: spoken("Добрый день.", "Курьер привёз заказ, всё работает."),
    3: spoken("Здравствуйте.", "Где возврат за заказ? Денег нет, курьер молчит."),
    4: spoken("Алло.", "Чёрный чайник Bosch Series 4 по 12500 рублей."),
}


@pytest.fixture
def run(state: State) -> Run:
    run = opened(state, "1", *(call(number, duration_sec=60 * number) for number in (*TEXTS, 5)))
    for row in rows(state, run):
        if row.statistics_id in TEXTS:
            to_text(state, run, row, words=TEXTS[row.statistics_id], checksum=f"c{row.statistics_id}")
    return run


@pytest.fixture
def browsing(state: State, run: Run) -> Browsing:
    return Browsing(state.session)


def found(browsing: Browsing, asked: CallFilter, typed: str = "", *, exact: bool = False) -> list[int]:
    """Numbers of the calls, in the order of the list."""
    words = Words(typed, exact) if typed else None
    page = browsing.page(asked, words, after=None, most=50)
    return [row.duration_sec // 60 for row in browsing.rows(page.places)]


WORDS: list[tuple[str, list[int]]] = [
    ("возврат", [3, 1]),
    ('"возврат денег"', [1]),
    ("возврат -курьер", [1]),
    ("возврат OR bosch", [4, 3, 1]),
    ("не работает", [1]),
    ("работает", [2, 1]),
    ("черный", [4]),
    ("ЧЁРНОГО чайника", [4]),
    ("12500", [4]),
    ("клиент", []),
    ("оператор", []),
    ("экскаватор", []),
    ("'); DROP TABLE recordings; --", []),
    ('"', []),
]


def test_words_are_found_as_people_mean_them(browsing: Browsing) -> None:
    assert [(typed, found(browsing, ALL, typed)) for typed, _ in WORDS] == WORDS


def test_an_exact_phrase_is_compared_letter_by_letter(browsing: Browsing) -> None:
    assert found(browsing, ALL, "возвраты денег", exact=False) == [3, 1]
    assert found(browsing, ALL, "возвраты денег", exact=True) == []
    assert found(browsing, ALL, "Возврат денег", exact=True) == [1]
    assert found(browsing, ALL, "черный чайник", exact=True) == [4]


CONDITIONS = [
    (CallFilter(statuses=["pending"]), [5]),
    (CallFilter(lines=["+74951234567"]), [5, 4, 3, 2, 1]),
    (CallFilter(lines=["+70000000000"]), []),
    (CallFilter(employees=["Оператор 12"], min_sec=200), [5, 4]),
    (CallFilter(max_sec=120), [2, 1]),
    (CallFilter(digits="54321"), [5, 4, 3, 2, 1]),
    (CallFilter(digits="8 (999) 765-43-21"), [5, 4, 3, 2, 1]),
    (CallFilter(digits="99976"), []),
    (CallFilter(directions=["outbound"]), []),
    (CallFilter(roles=["channels"]), [4, 3, 2, 1]),
    (CallFilter(verdicts=["issue"]), [2]),
    (CallFilter(verdicts=["none"]), [5, 4, 3, 1]),
    (CallFilter(since=datetime(2025, 8, 6, 9, 3, tzinfo=UTC)), [5, 4, 3]),
    (CallFilter(before=datetime(2025, 8, 6, 9, 3, tzinfo=UTC)), [2, 1]),
    (CallFilter(scope=ReaderScope(lines=["+74951234567"])), [5, 4, 3, 2, 1]),
    (CallFilter(scope=ReaderScope(lines=[])), []),
    (CallFilter(scope=ReaderScope(employee_ids=["1269"])), [5, 4, 3, 2, 1]),
    (CallFilter(scope=ReaderScope(lines=["+74951234567"], employee_ids=["7"])), []),
]


def test_conditions_narrow_the_list(state: State, run: Run, browsing: Browsing) -> None:
    second = rows(state, run)[1]
    QaChecks(state.session).record(
        run.run_id, QaCheck(second.call_id, second.record_id, "issue", "слова пропали", "#2"), by="Аналитик"
    )
    for asked, numbers in CONDITIONS:
        assert found(browsing, asked) == numbers, asked.names
        with_words = [number for number in numbers if number in TEXTS]
        assert found(browsing, asked, "день OR возврат OR bosch") == with_words, asked.names
        assert browsing.facets(asked, None).total == len(numbers)


def test_a_run_and_its_batches_narrow_the_list(state: State, run: Run, browsing: Browsing) -> None:
    other = opened(state, "2", period_from=datetime(2025, 9, 1, tzinfo=UTC), period_to=datetime(2025, 9, 2, tzinfo=UTC))
    assert found(browsing, CallFilter(run_id=run.run_id)) == [5, 4, 3, 2, 1]
    assert found(browsing, CallFilter(run_id=other.run_id)) == []
    assert found(browsing, CallFilter(run_id=run.run_id, batch_no=1)) == []


def test_pages_meet_without_a_gap_or_a_repetition(browsing: Browsing) -> None:
    for words in (None, Words("день OR возврат OR bosch")):
        seen: list[int] = []
        after: Place | None = None
        while True:
            page = browsing.page(ALL, words, after=after, most=2)
            seen += [place.recording_id for place in page.places]
            if not page.more:
                break
            after = Place.of(page.places[-1].cursor())
        whole = browsing.page(ALL, words, after=None, most=50)
        assert seen == [place.recording_id for place in whole.places]
        assert len(seen) == len(set(seen)) > 3


def test_facets_count_what_was_found(browsing: Browsing) -> None:
    counted = browsing.facets(ALL, None)
    assert counted.values["statuses"] == [("completed", 4), ("pending", 1)]
    assert counted.values["employees"] == [("Оператор 12", 5)]
    assert (counted.total, counted.more) == (5, False)
    assert browsing.facets(ALL, Words("курьер")).total == 2


def test_the_best_hits_come_first(browsing: Browsing) -> None:
    best = browsing.rows(browsing.best(ALL, Words("возврат денег"), most=50))
    assert [row.duration_sec // 60 for row in best] == [1, 3], "the words are next to each other in the first"


def test_marks_stand_around_the_hits(browsing: Browsing) -> None:
    words = Words("возврат денег")
    (first, *_) = browsing.best(ALL, words, most=1)
    text_ = browsing.marked([first.recording_id], words, ReaderScope())[first.recording_id]
    assert text_.body == TEXTS[1]
    said = text_.marked.splitlines()
    assert said[1] == f"Хочу {BEGIN}возврат{END} {BEGIN}денег{END}, чайник не работает."
    assert len(said) == len(TEXTS[1].splitlines())


class TestWordsFollowTheText:
    """Whatever changes the text of a recording changes what is searched, in the same statement."""

    @pytest.fixture
    def first(self, state: State, run: Run) -> int:
        return rows(state, run)[0].recording_id

    def test_a_text_built_anew_replaces_the_words(self, state: State, run: Run, browsing: Browsing, first: int) -> None:
        read = state.recordings.get(first).transcript_id
        assert read is not None
        new = text(spoken("Здравствуйте.", "Экскаватор сломался."))
        assert state.transcripts.replace(
            run.run_id, first, read, new, needs_review=False, review_reasons=[], stage="rebuild"
        )
        assert found(browsing, ALL, "экскаватор") == [1]
        assert found(browsing, ALL, "возврат") == [3]

    @pytest.mark.parametrize("column", ["text_ended_at = now(), transcript_path = NULL", "transcript_id = NULL"])
    def test_words_end_with_the_text(self, state: State, browsing: Browsing, first: int, column: str) -> None:
        with state.session.transaction() as connection:
            connection.execute(f"UPDATE recordings SET {column} WHERE recording_id = %s".encode(), [first])
            left = connection.execute("SELECT count(*) FROM call_search WHERE recording_id = %s", [first]).fetchone()
        assert left == (0,)
        assert found(browsing, ALL, "возврат") == [3]

    def test_a_corrected_time_moves_the_words(self, state: State, browsing: Browsing, first: int) -> None:
        with state.session.transaction() as connection:
            connection.execute(
                "UPDATE recordings SET call_started_at = call_started_at + interval '1 day' WHERE recording_id = %s",
                [first],
            )
        assert found(browsing, ALL, "возврат") == [1, 3]


class TestTheWayIsChosenByUs:
    """The planner takes a phrase for a rarity and any digits for common: over many calls both cost seconds."""

    @pytest.fixture(autouse=True)
    def many(self, state: State, run: Run) -> None:  # noqa: ARG002  the first calls
        with state.session.transaction() as connection:
            connection.execute(
                """INSERT INTO recordings (portal_id, statistics_id, call_id, record_id, status, direction, from_number,
                                           to_number, employee_id, employee_name, call_started_at, utc_offset_sec,
                                           duration_sec, phone_line, file_name)
                   SELECT 1, 1000 + n, 'many-' || n, n, 'completed', 'inbound', '+7900' || lpad(n::text, 7, '0'),
                          '+74951234567', '1', 'x', timestamptz '2025-08-06 12:00Z' + n * interval '1 minute', 10800,
                          60, '+74951234567', 'many-' || n
                     FROM generate_series(1, 5000) AS n"""
            )
            connection.execute(
                """INSERT INTO call_search (recording_id, started_at, words)
                   SELECT recording_id, call_started_at, to_tsvector('call_ru',
                          CASE WHEN statistics_id % 40 = 0 THEN 'возврат денег' ELSE 'возврат за заказ деньгами' END)
                     FROM recordings WHERE call_id LIKE 'many-%'"""
            )
            connection.execute("ANALYZE recordings, call_search")

    def scans(self, state: State, index: str) -> int:
        with state.session.transaction() as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
        with state.session.transaction() as connection:
            (found,) = connection.execute(
                "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [index]
            ).fetchone() or (0,)
        return int(found)

    def test_a_common_phrase_is_met_by_a_walk(self, state: State, browsing: Browsing) -> None:
        before = self.scans(state, "call_search_words")
        page = browsing.page(ALL, Words('"возврат денег"'), after=None, most=50)
        assert (len(page.places), page.more) == (50, True)
        assert self.scans(state, "call_search_words") == before

    def test_a_number_is_looked_up(self, state: State, browsing: Browsing) -> None:
        before = self.scans(state, "recordings_newest")
        page = browsing.page(CallFilter(digits="0001234"), None, after=None, most=5)
        assert len(page.places) == 1
        assert self.scans(state, "recordings_newest") == before

    def test_digits_of_every_call_are_met_by_a_walk(self, browsing: Browsing) -> None:
        page = browsing.page(CallFilter(digits="34567"), None, after=None, most=50)
        assert (len(page.places), page.more) == (50, True)


def test_scopes_and_shared_searches_are_kept(state: State, browsing: Browsing) -> None:
    assert browsing.scope_of("analyst") == ReaderScope()
    with state.session.transaction() as connection:
        connection.execute("INSERT INTO call_scopes VALUES ('analyst', '{+74951234567}', NULL)")
    assert browsing.scope_of("analyst") == ReaderScope(["+74951234567"], None)
    browsing.share("7f3a0011", {"q": "возврат"}, by="analyst")
    assert browsing.shared("7f3a0011") == {"q": "возврат"}
    assert browsing.shared("7f3a0012") is None
    with state.session.transaction() as connection:
        connection.execute("UPDATE shared_searches SET shared_at = now() - interval '31 days'")
    assert browsing.shared("7f3a0011") is None
    browsing.share("7f3a0013", {"q": "деньги"}, by="analyst")
    with state.session.transaction() as connection:
        assert connection.execute("SELECT search_id FROM shared_searches").fetchall() == [("7f3a0013",)]


class TestManyCalls:
    """Some thousand texts, so that both ways of a search are taken."""

    @pytest.fixture
    def many(self, state: State) -> Browsing:
        run = opened(state, "1", *(call(number) for number in range(1, 6001)))
        with state.session.transaction() as connection:
            connection.execute(
                """
                WITH texts AS (
                    INSERT INTO transcripts (recording_id, sha256, body, preview, roles, source, model, purchase_no,
                                             run_id)
                    SELECT recording_id, 'sha' || recording_id,
                           '[00:00:01] [Клиент]: доставка '
                           || CASE WHEN statistics_id %% 1500 = 7 THEN 'экскаватор ' ELSE '' END
                           || CASE WHEN statistics_id %% 3 = 0 THEN 'возврат' ELSE 'обмен' END,
                           '', 'channels', 'recogniser', 'm', 1, %s
                      FROM recordings
                    RETURNING recording_id, transcript_id)
                UPDATE recordings SET transcript_id = texts.transcript_id, status = 'completed'
                  FROM texts WHERE texts.recording_id = recordings.recording_id
                """,
                [run.run_id],
            )
        return Browsing(state.session)

    def test_rare_and_common_words_are_found_whole(self, many: Browsing) -> None:
        rare = many.page(ALL, Words("экскаватор"), after=None, most=50)
        assert len(rare.places) == 4
        common = many.page(ALL, Words("возврат"), after=None, most=50)
        assert (len(common.places), common.more) == (50, True)
        seen, after = 0, None
        while True:
            page = many.page(ALL, Words("возврат"), after=after, most=700)
            seen += len(page.places)
            if not page.more:
                break
            after = page.places[-1]
        assert seen == 2000
        newest = many.page(ALL, Words("экскаватор"), after=Place(datetime.now(UTC) + timedelta(days=1), 1), most=50)
        assert newest == rare
        counted = many.facets(ALL, Words("возврат"))
        assert (counted.total, counted.more) == (2000, False)
