"""Very many calls with texts: copies of one, made by SQL alone."""

from typing import Any

import psycopg

Numbers = dict[str, Any]  # count, newest (an instant), days, employees


def copied_calls(connection: psycopg.Connection[Any], number: Numbers, *, body: str) -> str:
    """Calls with texts beside the one that is there, without the triggers that keep words for the search.

    Returns the SQL for the recording of the copy `n`. `body` is SQL, too; in it `one` is the text that is copied.
    """
    connection.execute("SET session_replication_role = replica")
    copied(
        connection,
        "recordings",
        {
            "statistics_id": "1000 + n",
            "call_id": "'call-' || n",
            "record_id": "'record-' || n",
            "file_name": "'file-' || n",
            "employee_id": "'e' || n %% %(employees)s",
            "employee_name": "'Сотрудник ' || n %% %(employees)s",
            "call_started_at": "%(newest)s - n * make_interval(secs => %(days)s * 86400.0 / %(count)s)",
        },
        number,
    )
    made = "(SELECT recording_id FROM recordings WHERE statistics_id = 1000 + n)"
    copied(connection, "transcripts", {"recording_id": made, "sha256": "md5('text' || n)", "body": body}, number)
    connection.execute(
        "UPDATE recordings own SET transcript_id = text.transcript_id FROM transcripts text"
        " WHERE text.recording_id = own.recording_id AND own.statistics_id > 1000"
    )
    return made


def copied(connection: psycopg.Connection[Any], table: str, changed: dict[str, str], number: Numbers) -> None:
    """Copies 1 to `count` of the first row; `changed` are columns with their SQL, in which `n` is the copy's number."""
    schema, _, name = table.rpartition(".")
    columns = [
        one
        for (one,) in connection.execute(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " AND is_identity = 'NO' AND is_generated = 'NEVER' ORDER BY ordinal_position",
            (schema or "public", name),
        )
    ]
    values = ", ".join(changed.get(one, f"one.{one}") for one in columns)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) one"
        " CROSS JOIN generate_series(1, %(count)s) AS n"
    )
    connection.execute(statement.encode(), number)
