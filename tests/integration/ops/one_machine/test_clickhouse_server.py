"""The embedded ClickHouse against the maintained client, as it is and with its own defaults."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import clickhouse_connect
import pytest
import requests
from clickhouse_connect.driver.exceptions import DatabaseError


@pytest.fixture
def client(clickhouse_server: int) -> Iterator[Any]:
    """Compression, sessions and all: nothing that the product sets."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse_server)
    client.command("CREATE DATABASE IF NOT EXISTS trial")
    yield client
    client.command("DROP DATABASE trial")
    client.close()


@pytest.mark.parametrize("columns", [1, 9, 10, 11, 13, 32])
def test_rows_come_back_whatever_their_first_byte_is(client: Any, columns: int) -> None:
    """The data of an INSERT begin with the number of columns: ten of them look like a line end."""
    named = [f"c{number}" for number in range(columns)]
    types = ", ".join(f"{name} String" for name in named)
    client.command(f"CREATE TABLE trial.t{columns} ({types}) ENGINE = MergeTree ORDER BY c0")
    rows = [[f"строка '{number}'\n\t\\" for number in range(columns)], ["" for _ in named]]
    client.insert(f"trial.t{columns}", rows, column_names=named)
    found = client.query(f"SELECT * FROM trial.t{columns} ORDER BY c0 DESC").result_rows
    assert [list(row) for row in found] == rows


def test_parameters_and_settings_are_those_of_one_request(client: Any) -> None:
    asked = "SELECT {text:String}, {money:Decimal(18, 2)}, getSetting('max_threads')"
    given = {"text": "it's\n\\", "money": Decimal("1.10")}
    assert client.query(asked, parameters=given, settings={"max_threads": 1}).result_rows == [
        ("it's\n\\", Decimal("1.10"), 1)
    ]
    assert client.query("SELECT getSetting('max_threads')").result_rows[0][0] != 1


def test_parameters_too_long_for_a_url_arrive(client: Any) -> None:
    orders = list(range(1_000_000, 1_010_000))
    asked = "SELECT length({orders:Array(UInt64)}), arraySum({orders:Array(UInt64)})"
    assert client.query(asked, parameters={"orders": orders}).result_rows == [(10_000, sum(orders))]


@pytest.mark.parametrize(("statement", "code"), [("SELECT nosuch", 47), ("SELECT 1 FROM nosuch", 60)])
def test_an_error_has_the_servers_code(client: Any, statement: str, code: int) -> None:
    with pytest.raises(DatabaseError) as refused:
        client.query(statement)
    assert refused.value.code == code


def test_a_long_query_does_not_keep_others_waiting(client: Any, clickhouse_server: int) -> None:
    def ask(statement: str) -> float:
        answer = requests.post(f"http://127.0.0.1:{clickhouse_server}/", data=statement, timeout=30)
        assert answer.status_code == 200
        return answer.elapsed.total_seconds()

    with ThreadPoolExecutor() as threads:
        slow = threads.submit(ask, "SELECT sleep(2)")
        quick = [ask("SELECT 1") for _ in range(5)]
        assert slow.result() > 1.9
    assert sum(quick) < 1.9
