"""Lists of the call browser: recordings by conditions and words, counted values, marked texts, shared searches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from include.calls.domain.call_filter import CallFilter, Place, ReaderScope, last_digits
from include.calls.domain.states import RecordStatus
from include.common.postgres_session import Session, storable

_FILE = "browsing"
_SAMPLE = 500  # newest texts that say whether words are common: 3 ms
_COMMON = 5  # of the sample: a walk over _REACH then finds a page
_REACH = 5_000  # rows that a walk looks at before the index of words is asked
_RANKED = 500  # newest hits that are ordered by how well they fit
_FEW_NUMBERS = 2_000  # calls by a number's digits; of more a walk finds a page soon
LOOKED_AT = 10_000  # rows that facets are counted over
_FACET_VALUES = 50
_LONGEST_TEXT = 200_000  # characters of a text that hits are marked in; three hours of speech have half of it
SHARED_DAYS = 30
BEGIN, END = "\x02", "\x03"  # around a hit; a text holds no control characters


class Words(NamedTuple):
    """What is searched for, in the notation of web search engines. `exact`: as one phrase, letter by letter."""

    typed: str
    exact: bool = False


class Page(NamedTuple):
    """`more`: there are rows after these."""

    places: list[Place]
    more: bool


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A row of the list; `flags` are the reasons for a review, `cost_usd` is None without a text."""

    recording_id: int
    call_started_at: datetime
    utc_offset_sec: int
    direction: str
    phone_line: str
    from_number: str
    to_number: str
    employee_name: str | None
    duration_sec: int
    status: RecordStatus
    error_code: str | None
    flags: list[str]
    verdict: str | None
    tags: list[str]
    cost_usd: Decimal | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RecordStatus(self.status))


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of values by facet; `total` is how many calls were counted, `more` that there are others."""

    values: Mapping[str, list[tuple[str, int]]]
    total: int
    more: bool


class MarkedText(NamedTuple):
    """`marked` is the body's words, line for line, with BEGIN and END around hits."""

    body: str
    marked: str


class Browsing:
    """Reads over the tables of recordings and texts, and the table `shared_searches`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._common: dict[Words, bool] = {}
        self._few: dict[str, bool] = {}

    # ---------------------------------------------------------------- lists

    def page(self, asked: CallFilter, words: Words | None, *, after: Place | None, most: int) -> Page:
        """The newest recordings that fit, after the place. Erased ones are in no list."""
        found = self._found(asked, words, after=after, most=most + 1)
        return Page(found[:most], len(found) > most)

    def best(self, asked: CallFilter, words: Words, *, most: int) -> list[Place]:
        """Of the newest hits those that fit best, in that order."""
        hits = self._found(asked, words, after=None, most=_RANKED)
        values = {"recording_ids": [place.recording_id for place in hits], "most": most, "words": words.typed}
        return [Place(at, number) for number, at in self._run("ranked", values, query=_query(words))]

    def rows(self, places: Sequence[Place]) -> list[ListedCall]:
        """What the list shows of them, in their order."""
        ids = [place.recording_id for place in places]
        found = {row.recording_id: row for row in self._session.rows(_FILE, "rows", ListedCall, recording_ids=ids)}
        return [found[number] for number in ids if number in found]

    def facets(self, asked: CallFilter, words: Words | None) -> Counted:
        """Of common words, among the newest LOOKED_AT calls that fit the other conditions."""
        way = "newest" if words is None else "walked" if self._are_common(words) else "looked_up"
        parts = self._parts(asked, words, None)
        values = _values(asked, words, None) | {"most": LOOKED_AT + 1, "reach": LOOKED_AT, "values": _FACET_VALUES}
        parts["also"] = self._text("counted_columns")
        counted = self._run("facets", values, found=self._text(way), **parts)
        by_facet: dict[str, list[tuple[str, int]]] = {}
        total = 0
        for facet, value, calls in counted:
            if facet == "total":
                total = calls
            else:
                by_facet.setdefault(facet, []).append((value, calls))
        more = total > LOOKED_AT or (way == "walked" and self._are_many(asked))
        return Counted(by_facet, min(total, LOOKED_AT), more)

    def marked(self, recording_ids: Sequence[int], words: Words, scope: ReaderScope) -> dict[int, MarkedText]:
        """Texts of those recordings that are in the scope, with marks around the hits."""
        values = {
            "recording_ids": list(recording_ids),
            "words": storable(words.typed),
            "longest": _LONGEST_TEXT,
            "scope_lines": None if scope.lines is None else list(scope.lines),
            "scope_employees": None if scope.employee_ids is None else list(scope.employee_ids),
        }
        found = self._run("marked_texts", values, query=_query(words))
        return {number: MarkedText(body, marked) for number, body, marked in found}

    def usual_offset(self) -> int | None:
        """Seconds from UTC of the newest call; None without calls."""
        found: int | None = self._session.value(_FILE, "usual_offset")
        return found

    def now(self) -> datetime:
        """The database's clock."""
        found: datetime = self._session.value(_FILE, "now")
        return found

    def _found(self, asked: CallFilter, words: Words | None, *, after: Place | None, most: int) -> list[Place]:
        if words is None:
            return self._places("newest", asked, words, after=after, most=most)
        if self._are_common(words):
            found = self._places("walked", asked, words, after=after, most=most)
            if len(found) == most:
                return found
        return self._places("looked_up", asked, words, after=after, most=most)

    def _are_common(self, words: Words) -> bool:
        """Asked once: a page and its facets are of the same words."""
        if words not in self._common:
            values = {"words": storable(words.typed), "sample": _SAMPLE}
            ((hits,),) = self._run("in_newest", values, query=_query(words))
            self._common[words] = bool(hits >= _COMMON)
        return self._common[words]

    def _are_many(self, asked: CallFilter) -> bool:
        ((rows,),) = self._run(
            "many", _values(asked, None, None) | {"most": LOOKED_AT + 1}, **self._parts(asked, None, None)
        )
        return bool(rows > LOOKED_AT)

    def _places(
        self, way: str, asked: CallFilter, words: Words | None, *, after: Place | None, most: int, reach: int = _REACH
    ) -> list[Place]:
        parts = self._parts(asked, words, after)
        values = _values(asked, words, after) | {"most": most, "reach": reach}
        return [Place(at, number) for number, at in self._run(way, values, **parts)]

    def _parts(self, asked: CallFilter, words: Words | None, after: Place | None) -> dict[str, str]:
        names = [*asked.names, *(["after_place"] if after else [])]
        if asked.digits and self._have_few(asked):
            names[names.index("of_digits")] = "of_few_digits"
        conditions = ["own.status <> 'erased'", *(self._text(name) for name in names)]
        exact = self._text("exact") if words and words.exact else ""
        return {
            "conditions": " AND ".join(f"({one})" for one in conditions),
            "query": _query(words),
            "exact": exact,
            "also": "",
        }

    def _have_few(self, asked: CallFilter) -> bool:
        """Asked once, as `_are_common` is."""
        if asked.digits not in self._few:
            values = _values(asked, None, None) | {"most": _FEW_NUMBERS + 1}
            ((numbers,),) = self._run("with_digits", values)
            self._few[asked.digits] = bool(numbers <= _FEW_NUMBERS)
        return self._few[asked.digits]

    def _text(self, name: str) -> str:
        return self._session.statement(_FILE, name).decode().rstrip().rstrip(";")

    def _run(self, name: str, values: Mapping[str, Any], **parts: str) -> list[tuple[Any, ...]]:
        """The statement with constant parts of other statements in the places that it names in braces."""
        statement = self._text(name)
        for place, part in parts.items():
            statement = statement.replace(f"{{{place}}}", part)
        with self._session.transaction() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    # ---------------------------------------------------------------- readers

    def scope_of(self, actor: str) -> ReaderScope:
        found = self._session.values(_FILE, "scope_of", actor=actor)
        return ReaderScope(*found[0]) if found else ReaderScope()

    def index_state(self) -> tuple[int, int]:
        """Texts that `make index` has added, and those that it has to."""
        (found,) = self._session.values(_FILE, "index_state")
        return found[0], found[1]

    def index_some(self, most: int) -> int:
        """Adds the words of the next texts that are older than the search; returns how many, 0 at the end."""
        return self._session.count(_FILE, "index_some", most=most)

    def index_anew(self) -> None:
        """The next `index_some` begins with the first text; words that are there stay."""
        self._session.count(_FILE, "index_anew")

    # ---------------------------------------------------------------- shared searches

    def share(self, search_id: str, asked: Mapping[str, Any], *, by: str) -> None:
        """Keeps a search for SHARED_DAYS; older ones go."""
        self._session.count(_FILE, "forget_shared", days=SHARED_DAYS)
        self._session.count(_FILE, "share", search_id=search_id, asked=Jsonb(dict(asked)), shared_by=storable(by))

    def shared(self, search_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._session.value(_FILE, "shared", search_id=search_id, days=SHARED_DAYS)
        return found


def _query(words: Words | None) -> str:
    if words is None:
        return ""
    return f"{'phraseto' if words.exact else 'websearch_to'}_tsquery('call_ru', %(words)s)"


def _values(asked: CallFilter, words: Words | None, after: Place | None) -> dict[str, Any]:
    scope = asked.scope
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(asked).items()},
        "digits": f"{last_digits(asked.digits)[::-1]}%",
        "scope_lines": None if scope.lines is None else list(scope.lines),
        "scope_employees": None if scope.employee_ids is None else list(scope.employee_ids),
        "words": storable(words.typed) if words else "",
        "typed": storable(words.typed.strip('" ')) if words else "",
        "place_at": after and after.started_at,
        "place_id": after and after.recording_id,
    }
