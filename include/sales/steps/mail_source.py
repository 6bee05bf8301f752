"""Letters of the reserve channel as a source of the warehouse."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from include.clients.gmail.gmail_api import FoundLetter, GmailApi
from include.common.errors import Permanent
from include.sales.domain.cities import Cities
from include.sales.domain.letter_trust import is_trusted
from include.sales.domain.letters import KnownEvent, matched, opened, plain_name, sales_of
from include.sales.domain.rows import MailSale, Table
from include.sales.domain.scopes import Batch, Counters, Fetched, Scope
from include.sales.policy import SalesPolicy
from include.sales.steps.fetching import with_rows_counted


class MailSource:
    """One mailbox (`SalesSource`). A letter that is not trusted, too large or unreadable is a finding and no row.

    `known_events`: what the API has named before; a row of another event is kept as written and is a finding.
    """

    def __init__(
        self,
        api: GmailApi,
        policy: SalesPolicy,
        cities: Cities,
        *,
        known_events: Callable[[], Sequence[KnownEvent]] = tuple,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._policy = policy
        self._cities = cities
        self._known_events = known_events
        self._now = now

    def accounts(self) -> tuple[str, ...]:
        return ("",)

    def check_access(self) -> None:
        self._api.check_access()

    def close(self) -> None:
        self._api.close()

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:  # noqa: ARG002 - no queue
        counters = Counters()
        self._api.spare(backfill)
        return Fetched(with_rows_counted(self._letters(scope, counters), counters), counters)

    def search(self, scope: Scope) -> str:
        """The search: the policy's unless the scope has one, in brackets, so that the time bounds all of it."""
        query, since = f"({scope.query or self._policy.gmail.query})", scope.changed_since
        return f"{query} after:{int(since.timestamp())}" if since else query

    def _letters(self, scope: Scope, counters: Counters) -> Iterator[Batch]:
        counters.covered_until = self._now()
        by_day: dict[tuple[date, str], list[KnownEvent]] = defaultdict(list)
        by_id: dict[int, KnownEvent] = {}
        for known in self._known_events():
            by_day[(known.local_date, plain_name(known.name))].append(known)
            by_id[known.event_id] = known
        for found in self._api.find(self.search(scope), limit=scope.limit):
            counters.source_rows += 1
            if counters.watermark is None or found.received_at > counters.watermark:
                counters.watermark = found.received_at
            rows = []
            for row in self._rows(found, counters):
                with_names = matched(row, by_day, by_id)
                if with_names is None:
                    counters.found("reserve_unmatched", f"letter {row.msg_id}, row {row.row_no}")
                rows.append(with_names or row)
            yield Batch(Table.MAIL_SALES, tuple(rows))
        counters.requests = self._api.requests_sent

    def _rows(self, found: FoundLetter, counters: Counters) -> list[MailSale]:
        gmail = self._policy.gmail
        if found.size > gmail.message_bytes:
            counters.found("mail_unparsed", f"letter {found.letter_id}: larger than {gmail.message_bytes} bytes")
            return []
        try:
            letter = opened(self._api.raw(found.letter_id))
            if not is_trusted(letter, gmail.senders):
                counters.found("mail_untrusted", f"letter {found.letter_id}")
                return []
            return sales_of(
                letter,
                found.letter_id,
                found.received_at,
                cities=self._cities,
                currency=self._policy.money.currency,
                most_rows=gmail.rows,
            )
        except Permanent as unread:
            counters.bad_rows += 1
            counters.found("mail_unparsed", f"letter {found.letter_id}: {unread}")
            return []
