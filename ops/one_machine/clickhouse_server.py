"""An embedded ClickHouse for the demo and tests: the engine of the wheel `chdb` behind ClickHouse's HTTP interface.

A chdb folder admits one process, and Airflow's tasks are processes, so one process owns the engine and the others talk
to it with the ordinary client (ADR 0031). It speaks what that client needs: `/ping`, a query in the URL or in the body,
`INSERT ... FORMAT` with its data in the body, parameters, settings, error codes. It has no users and is not for work:
one password, loopback only.

    python -m ops.one_machine.clickhouse_server --folder DIR --port 0     prints {"port": N} and serves

`CLICKHOUSE_PASSWORD` in the environment is the password that requests must carry (Basic authorization or
`X-ClickHouse-Key`); without it none is asked for.
"""

import argparse
import base64
import hmac
import json
import os
import queue
import re
import socket
import tempfile
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import lz4.frame
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ops.settings.embedded_clickhouse import PASSWORD_VARIABLE

HOST = "127.0.0.1"
SESSIONS = 4  # queries at a time; each session of the engine runs one
MEMORY_BYTES = 1_000_000_000
BACKUP_DISK = "backups"

_CONFIG = """<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <storage_configuration><disks><{disk}><type>local</type><path>{path}/</path></{disk}></disks></storage_configuration>
  <backups><allowed_disk>{disk}</allowed_disk><allowed_path>{path}/</allowed_path></backups>
</clickhouse>
"""
# The data begin right after one line end: their own first byte may be another.
_INSERT_WITH_DATA = re.compile(rb"^\s*INSERT\s+INTO\b.*?\bFORMAT\s+(\w+)[ \t\r]*(?:\n|\Z)", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)\.")
_MOST_OF_A_STATEMENT = 4_000_000  # bytes of a body that are looked at for the statement
# Parameters of the HTTP interface that are no settings of the engine.
_NO_SETTINGS = frozenset(
    {
        "query", "database", "user", "password", "default_format", "session_id", "session_timeout", "session_check",
        "query_id", "compress", "decompress", "wait_end_of_query", "buffer_size", "quota_key", "role",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression",
        "client_protocol_version",
    }
)  # fmt: skip
_NOT_FOUND_CODES = frozenset({60, 81})  # unknown table, unknown database: HTTP 404, as the server answers


class Engine:
    """The sessions of one folder; each is used by one query at a time."""

    def __init__(self, folder: Path, *, sessions: int = SESSIONS, memory: int = MEMORY_BYTES) -> None:
        import chdb.session

        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / BACKUP_DISK).mkdir(exist_ok=True)
        config = folder / "config.xml"
        config.write_text(
            _CONFIG.format(memory=memory, disk=BACKUP_DISK, path=escape(str((folder / BACKUP_DISK).resolve()))),
            encoding="utf-8",
        )
        self.incoming = folder / "incoming"
        self.incoming.mkdir(exist_ok=True)
        for left in self.incoming.iterdir():  # of a process that was killed
            left.unlink()
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        new_session: Any = chdb.session.Session
        for _ in range(sessions):
            self._free.put(new_session(f"{(folder / 'data').resolve()}?config-file={config.resolve()}"))

    def run(
        self,
        statement: str,
        *,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
        output: str,
    ) -> tuple[bytes, dict[str, str]]:
        """The answer in the format `output` and the counts of the summary; raises chdb's own error."""
        with self._session() as session:
            try:
                session.query(f"USE {_quoted(database or 'default')}")
                for name, value in settings.items():
                    session.query(f"SET {_quoted(name)} = {_literal(value)}")
                result = session.query(statement, output, params=dict(parameters) or None)
            finally:
                for name in settings:
                    session.query(f"SET {_quoted(name)} = DEFAULT")
        counts = {"read_rows": result.storage_rows_read(), "written_rows": result.rows_written()}
        return bytes(result.bytes() or b""), {name: str(value) for name, value in counts.items()}

    @contextmanager
    def _session(self) -> Iterator[Any]:
        session = self._free.get()
        try:
            yield session
        finally:
            self._free.put(session)


def make_app(engine: Engine, password: str = "") -> Starlette:
    """The HTTP interface over the engine."""

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def query(request: Request) -> Response:
        if password and not _allowed(request, password):
            return _failure(516, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)", 403)
        with tempfile.NamedTemporaryFile(dir=engine.incoming) as body:
            size, parameters = 0, dict(request.query_params)
            try:
                if request.headers.get("content-type", "").startswith("multipart/form-data"):
                    parameters |= await _fields(request)
                else:
                    async for part in _decoded(request):
                        body.write(part)
                        size += len(part)
            except ValueError as error:
                return _failure(1001, f"Code: 1001. DB::Exception: {error} (STD_EXCEPTION)", 400)
            body.flush()
            return await run_in_threadpool(_answer, engine, request, parameters, Path(body.name), size)

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET", "HEAD"]),
            Route("/", query, methods=["GET", "POST"]),
        ]
    )


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form: the ordinary client sends the query and its parameters so if a URL cannot hold them."""
    if request.headers.get("content-encoding"):
        raise ValueError("the embedded engine reads no compressed form")
    async with request.form(max_files=0, max_part_size=_MOST_OF_A_STATEMENT) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def _decoded(request: Request) -> AsyncIterator[bytes]:
    """The body, decompressed: the ordinary client sends lz4 by default. ValueError: another encoding."""
    encoding = request.headers.get("content-encoding", "")
    if encoding not in ("", "lz4", "gzip"):
        raise ValueError(f"the embedded engine reads lz4 and gzip, not {encoding}")
    decompressor: Any = None
    async for received in request.stream():
        if not encoding:
            yield received
            continue
        part = received
        while part:  # one frame may follow another
            if decompressor is None:
                decompressor = lz4.frame.LZ4FrameDecompressor() if encoding == "lz4" else zlib.decompressobj(wbits=31)
            try:
                yield decompressor.decompress(part)
            except (RuntimeError, zlib.error):
                raise ValueError(f"the body is not {encoding}") from None
            part = (decompressor.unused_data or b"") if decompressor.eof else b""
            if decompressor.eof:
                decompressor = None


def _answer(engine: Engine, request: Request, parameters: Mapping[str, str], body: Path, size: int) -> Response:
    """Runs the query of one request. Data of an INSERT stay in the file, which the engine reads itself."""
    database = parameters.get("database") or request.headers.get("x-clickhouse-database") or "default"
    settings = {name: value for name, value in parameters.items() if not _is_no_setting(name)}
    given = {name.removeprefix("param_"): value for name, value in parameters.items() if name.startswith("param_")}
    try:
        statement = _statement(parameters.get("query", ""), body, size)
        output = parameters.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated"
        if found := _FORMAT.search(statement):
            output = found.group(1)
        data, summary = engine.run(statement, database=database, settings=settings, parameters=given, output=output)
    except (RuntimeError, ValueError) as error:  # chdb's own error is a RuntimeError
        code = int(found.group(1)) if (found := _CODE.search(str(error))) else 1002
        return _failure(code, str(error), 404 if code in _NOT_FOUND_CODES else 500)
    headers = {
        "X-ClickHouse-Summary": json.dumps(summary),
        "X-ClickHouse-Query-Id": parameters.get("query_id") or str(uuid.uuid4()),
        "X-ClickHouse-Format": output,
        "X-ClickHouse-Timezone": "UTC",
    }
    return Response(data, headers=headers, media_type="application/octet-stream")


def _statement(in_url: str, body: Path, size: int) -> str:
    """The SQL of a request, as the server reads it: the URL's part, a line end, the body."""
    with body.open("rb") as file:
        head = file.read(_MOST_OF_A_STATEMENT)
    prefix = f"{in_url}\n".encode() if in_url else b""
    text = prefix + head
    insert = _INSERT_WITH_DATA.match(text)
    if insert is None or insert.end() >= len(prefix) + size:
        if size > len(head):
            raise ValueError("Code: 62. DB::Exception: too long for the embedded engine (SYNTAX_ERROR)")
        return text.decode()
    if skipped := insert.end() - len(prefix):
        _cut(body, skipped)
    words = text[: insert.end()].decode().rstrip()
    kind = insert.group(1).decode()
    return f"{words[: words.upper().rindex('FORMAT')]} FROM INFILE {_literal(str(body))} FORMAT {kind}"


def _cut(body: Path, skipped: int) -> None:
    """Removes the first bytes of the file, block by block."""
    with body.open("r+b") as file:
        written, block = 0, 1 << 20
        while True:
            file.seek(skipped + written)
            part = file.read(block)
            if not part:
                break
            file.seek(written)
            file.write(part)
            written += len(part)
        file.truncate(written)


def _is_no_setting(name: str) -> bool:
    return name in _NO_SETTINGS or name.startswith("param_")


def _allowed(request: Request, password: str) -> bool:
    given = request.headers.get("x-clickhouse-key") or request.query_params.get("password") or ""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(encoded).decode().partition(":")[2]
        except ValueError:
            given = ""
    return hmac.compare_digest(given.encode(), password.encode())


def _failure(code: int, message: str, status: int) -> Response:
    return PlainTextResponse(message, status_code=status, headers={"X-ClickHouse-Exception-Code": str(code)})


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--memory", type=int, default=MEMORY_BYTES)
    chosen = parser.parse_args()
    listening = socket.create_server((HOST, chosen.port))
    app = make_app(Engine(chosen.folder, memory=chosen.memory), os.environ.get(PASSWORD_VARIABLE, ""))
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_keep_alive=60)).run(sockets=[listening])


if __name__ == "__main__":
    main()
