"""The client against the simulated portal: listing, rights, names."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.clients.bitrix24.access_check import check_access
from include.clients.bitrix24.call_listing import count_rows, list_rows
from include.clients.bitrix24.employees import employee_names
from include.clients.bitrix24.portal import Portal
from include.common.errors import AccessDenied, ContractBroken, ExportError, Throttled
from include.common.periods import Period
from include.common.wording.problems import sentence
from simulators.bitrix24.app import TOKEN, PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.methods import Rights
from simulators.bitrix24.responses import Result
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.in_process import running
from tests.unit.clients.bitrix24.fakes import FakePace, portal_at

START = datetime(2025, 8, 1, 9, tzinfo=UTC)
PERIOD = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))
METHOD = "voximplant.statistic.get"


def world_of(count: int) -> PortalWorld:
    """Calls with gaps between their IDs, and two outside the period, before and after it."""
    calls = [
        Call(7 * number, START + timedelta(seconds=number), user_id=str(11 + number % 3))
        for number in range(1, count + 1)
    ]
    outside = [Call(3, START - timedelta(days=1)), Call(10**6, START + timedelta(days=2))]
    return PortalWorld([*calls, *outside])


def simulator_of(world: PortalWorld, **options: Any) -> PortalSimulator:
    return PortalSimulator(world, token=TOKEN, limits=Limits(rps=10_000, bucket=10_000), **options)


@pytest.fixture
def simulator() -> PortalSimulator:
    return simulator_of(world_of(120))


@pytest.fixture
def pace() -> FakePace:
    return FakePace()


@pytest.fixture
def portal(simulator: PortalSimulator, pace: FakePace) -> Iterator[Portal]:
    with running(simulator) as url, portal_at(url, pace, token=TOKEN) as portal:
        yield portal


def ids_of(pages: Iterator[list[dict[str, Any]]]) -> list[int]:
    return [int(row["ID"]) for page in pages for row in page]


def expected(count: int) -> list[int]:
    return [7 * number for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 2499, 2500, 5003])
def test_every_row_once_in_order_in_few_requests(count: int) -> None:
    """One request counts, then each lists up to 2,500 rows."""
    simulator = simulator_of(world_of(count))
    with running(simulator) as url, portal_at(url, token=TOKEN) as portal:
        assert ids_of(list_rows(portal, PERIOD)) == expected(count)
    assert len(simulator.journal.entries(inner=False)) == 2 + count // 2500
    assert simulator.journal.count(METHOD) == 1 + count // 50 + 1


def test_count_is_the_portals_own_total(portal: Portal) -> None:
    assert count_rows(portal, PERIOD) == 120


def test_rows_that_appear_shift_no_others(simulator: PortalSimulator, portal: Portal) -> None:
    """Newer calls get higher IDs and come at the end; an older call that vanishes moves no other."""
    late = [Call(10_000 + number, START + timedelta(minutes=number)) for number in range(1, 60)]
    simulator.before(METHOD, 3, lambda: [simulator.world.add(call) for call in late] and None)
    simulator.before(METHOD, 3, lambda: simulator.world.calls.pop(7) and None)
    assert ids_of(list_rows(portal, PERIOD)) == [*expected(120), *(call.id for call in late)]


@pytest.mark.parametrize("ignored", [{">ID"}, {">ID", "start=-1"}, {"start=-1"}, {"SORT", "start=-1"}, {"SORT"}])
def test_a_portal_without_keyset_is_listed_by_offsets(
    simulator: PortalSimulator, portal: Portal, ignored: set[str]
) -> None:
    simulator.methods.ignores = frozenset(ignored)
    assert sorted(ids_of(list_rows(portal, PERIOD))) == expected(120)


def change_answers(simulator: PortalSimulator, change: Callable[[Result], Result]) -> None:
    """Changes each response of the statistics, batched ones included, into that of a broken portal."""
    original = simulator.methods._statistics
    simulator.methods._table[METHOD.lower()] = lambda call: change(original(call))


def test_a_total_that_is_never_reached_stops_the_run(portal: Portal, simulator: PortalSimulator) -> None:
    change_answers(simulator, lambda response: replace(response, total=response.total and response.total + 1))
    with pytest.raises(ContractBroken, match="counts 121 calls in the period but lists 120"):
        list(list_rows(portal, PERIOD))


def test_a_row_outside_the_period_is_an_error(simulator: PortalSimulator, portal: Portal) -> None:
    """A portal that does not know a condition drops it silently and sends its whole history."""
    original = simulator.methods._statistics

    def response(call: Any) -> Result:
        for name in (">=CALL_START_DATE", "<=CALL_START_DATE"):
            call.params.get("FILTER", {}).pop(name)
        return original(call)

    simulator.methods._table[METHOD.lower()] = response
    with pytest.raises(ContractBroken, match="outside the period"):
        list(list_rows(portal, PERIOD))


@pytest.mark.parametrize(
    "field", [("CALL_START_DATE", "yesterday"), ("CALL_ID", None), ("CALL_TYPE", "99"), ("ID", "x12"), ("ID", None)]
)
@pytest.mark.parametrize("at", [1, 50, 120], ids=["first", "last-of-a-page", "last"])
def test_a_bad_row_is_yielded_once(simulator: PortalSimulator, portal: Portal, field: tuple[str, Any], at: int) -> None:
    name, value = field

    def damage(response: Result) -> Result:
        rows = [row | {name: value} if row["ID"] == str(7 * at) else row for row in response.value]
        return replace(response, value=rows)

    change_answers(simulator, damage)
    rows = [row for page in list_rows(portal, PERIOD) for row in page]
    assert len(rows) == 120
    assert sum(row[name] == value for row in rows) == 1


def test_refused_pages_are_requested_again(simulator: PortalSimulator, portal: Portal, pace: FakePace) -> None:
    """The listing continues after the last row that arrived."""
    simulator.faults.add(METHOD, "error", after=2, body={"error": "QUERY_LIMIT_EXCEEDED"})
    assert ids_of(list_rows(portal, PERIOD)) == expected(120)
    assert [refusal[0] for refusal in pace.refusals] == ["QUERY_LIMIT_EXCEEDED"]


def test_endless_refusals_throttle_the_listing(simulator: PortalSimulator, portal: Portal) -> None:
    simulator.faults.add(METHOD, "error", times=-1, after=1, body={"error": "OPERATION_TIME_LIMIT"})
    with pytest.raises(Throttled):
        list(list_rows(portal, PERIOD))


def test_failed_page_stops_the_listing(simulator: PortalSimulator, portal: Portal) -> None:
    simulator.faults.add(METHOD, "error", after=2, body={"error": "ACCESS_DENIED"}, status=403)
    with pytest.raises(AccessDenied):
        list(list_rows(portal, PERIOD))


def refusal_of(portal: Portal) -> str:
    with pytest.raises(ExportError) as raised:
        check_access(portal, START + timedelta(days=1))
    assert isinstance(raised.value, AccessDenied)
    return str(raised.value)


def test_full_rights_pass_the_check(simulator: PortalSimulator, portal: Portal) -> None:
    simulator.world.add(Call(9000, START, file_id=9079), Audio(b"x"))
    check_access(portal, START + timedelta(days=1))
    assert simulator.journal.count("disk.file.get") == 1


@pytest.mark.parametrize(
    ("missing", "named"), [("telephony", "telephony"), ("disk", "disk"), ("user_brief", "user_brief")]
)
def test_missing_scope_is_named(simulator: PortalSimulator, portal: Portal, missing: str, named: str) -> None:
    simulator.rights.scopes = simulator.rights.scopes - {missing}
    assert f"`{named}" in refusal_of(portal)


def test_owner_without_the_statistics_right(simulator: PortalSimulator, portal: Portal) -> None:
    """The operator reads the right's name as the portal's Russian form has it."""
    simulator.rights.statistics = False
    with pytest.raises(AccessDenied, match="may not view the call statistics") as raised:
        check_access(portal, START + timedelta(days=1))
    assert "«Статистика звонков: просмотр — любые»" in sentence(raised.value)


def test_owner_who_may_read_no_recording(simulator: PortalSimulator, portal: Portal) -> None:
    for number in range(3):
        simulator.world.add(Call(9000 + number, START, file_id=500 + number), Audio(b"x"))
        simulator.world.files[500 + number].denied = True
    assert "`disk`" in refusal_of(portal)


def test_one_closed_recording_does_not_stop_the_run(simulator: PortalSimulator, portal: Portal) -> None:
    for number in range(2):
        simulator.world.add(Call(9000 + number, START, file_id=500 + number), Audio(b"x"))
    simulator.world.files[500].denied = True
    check_access(portal, START + timedelta(days=1))


def test_a_limited_role_overwrites_the_filter(simulator: PortalSimulator, portal: Portal) -> None:
    """The portal's core replaces the filter's PORTAL_USER_ID by its list of allowed employees."""
    simulator.rights.only_users = frozenset({"11", "12"})
    assert "only their own or their department's calls" in refusal_of(portal)


@pytest.mark.parametrize("own_calls", [1, 0], ids=["own calls", "none"])
def test_an_owner_who_sees_only_own_calls(own_calls: int) -> None:
    """Such an owner must be an administrator: else the export would look like that of a quiet portal."""
    world = PortalWorld([Call(500 + number, START, user_id="1") for number in range(own_calls)])
    simulator = simulator_of(world, rights=Rights(admin=False))
    with running(simulator) as url, portal_at(url, token=TOKEN) as portal:
        assert "no calls of other employees" in refusal_of(portal)


def test_quiet_portal_of_an_administrator_passes() -> None:
    simulator = simulator_of(PortalWorld([]))
    with running(simulator) as url, portal_at(url, token=TOKEN) as portal:
        check_access(portal, START)


def test_names_of_known_employees_only(portal: Portal) -> None:
    """Unknown, nameless and impossible ids are simply absent; dismissed people still have a name."""
    names = employee_names(portal, ["11", "17", "18", "404", "0", "x", "11"])
    assert names == {"11": "Оператор 11", "17": "Оператор 17"}


def test_names_cost_one_request_for_many(simulator: PortalSimulator, portal: Portal) -> None:
    employee_names(portal, map(str, range(1, 400)))
    assert [entry.where for entry in simulator.journal.entries(inner=False)] == ["batch"]
    assert employee_names(portal, []) == {}


def test_name_is_one_line(simulator: PortalSimulator, portal: Portal) -> None:
    simulator.world.users["11"]["NAME"] = " Оператор\n[00:00:00] [Клиент]:\t"
    assert employee_names(portal, ["11"]) == {"11": "Оператор [00:00:00] [Клиент]: 11"}
