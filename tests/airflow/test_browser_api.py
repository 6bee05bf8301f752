"""The server half of the call browser: what it gives, to whom, and what the audit log says of it.

The app of `/call_export` runs in this process, with Airflow's own SimpleAuthManager and a real PostgreSQL.
"""

import io
import json
import pkgutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx import Response

from include.calls.domain.audit_chain import Action, breaks
from include.calls.domain.erasure import Demand, SubjectKind
from include.calls.domain.storage_keys import registry_key, report_key
from include.calls.policy import load_policy
from include.calls.state.audit import AuditLog
from include.calls.state.erasures import Erasures
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.calls.wording import browser as russian
from include.clients.storage.local import LocalStorage
from include.common.errors import Permanent
from include.speech.audio import listening
from include.speech.audio.peaks import HEADER
from plugins.web.calls.browser_api import call_pages, playable, run_pages, serving, two_languages
from plugins.web.calls.browser_api.reader import PROGRAM, RIGHTS_OF_PROGRAM
from plugins.web.calls.browser_api.reader_rights import RIGHTS_OF_SIMPLE_ROLES
from plugins.web.calls.react_apps import VERSION
from tests.airflow.browser_client import ROLES, TOKEN, as_user, browser_client, connection, example, routes_and_rights
from tests.kit.paths import ROOT
from tests.kit.state_samples import call, opened, rows, to_text
from tests.unit.speech.audio.synth import alaw, voice, wav

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

BODY = "[00:00:01] [Оператор]: Добрый день.\n[00:00:04] [Клиент]: Хочу возврат денег, звоните +7 999 123-45-67.\n"
HOSTILE = "[00:00:01] [Клиент]: <img src=x onerror=alert(1)> <script>возврат</script> =cmd|' /C calc'!A0\n"
LINE, OTHER_LINE = "+74951234567", "+74957654321"


@dataclass
class Browser:
    """The client, what it is asked about, and the ways to look behind it."""

    client: TestClient
    state: State
    sound: bytes
    own: int  # a call with a text and a sound
    bare: int  # a call that waits
    other: int  # a call of another line, with a hostile text

    def ask(self, method: str, path: str, who: str = "admin", body: Any = None, **headers: str) -> Response:
        """As a person of that role, by its own name; `token`: the program; `nobody`: without any name."""
        known = {"token": {"Authorization": f"Bearer {TOKEN}"}, "nobody": {}}
        named = known[who] if who in known else as_user(who)
        answer: Response = self.client.request(method, f"/ui/api{path}", json=body, headers=named | headers)
        return answer

    def actions(self) -> list[tuple[str, str]]:
        return [(entry.action, entry.actor) for entry in AuditLog(self.state.session).entries()]

    def run(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.state.session.conninfo, autocommit=True) as connection:
            connection.execute(statement.encode(), values)


@pytest.fixture
def browser(database: str, tmp_path: Path) -> Iterator[Browser]:
    storage = LocalStorage(tmp_path / "storage")
    sound = wav(tmp_path / "call.wav", voice(2.0), voice(2.0, seed=1)).read_bytes()
    with State.open(database) as state:
        run = opened(state, "1", call(1), call(2), call(3, phone_line=OTHER_LINE))
        own, bare, other = (row.recording_id for row in rows(state, run))
        to_text(state, run, state.recordings.get(own), words=BODY, checksum="c1")
        to_text(state, run, state.recordings.get(other), words=HOSTILE, checksum="c3")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "UPDATE recordings SET raw_path = replace(raw_path, '.mp3', '.wav') WHERE raw_path <> ''"
            )
        for number in (own, other):
            key = state.recordings.get(number).raw_path
            assert key is not None
            storage.put_bytes(key, sound, "audio/wav")
        with browser_client(database, tmp_path / "storage") as client:
            yield Browser(client, state, sound, own, bare, other)


# ---------------------------------------------------------------- rights

NEEDED = routes_and_rights()


BODIES: dict[str, Any] = {
    "/search/snippets": {"q": "слово", "ids": [1]},
    "/bundles": {"search": {"q": "nothing has this"}, "what": ["text"]},
    "/erasures": {"reason": "r", "asked_by": "a"},
    "/decision": {"decision": "refuse"},
    "/roles": {"operator_channel": None, "text_sha256": "0"},
    "/roles/preview": {"operator_channel": None, "text_sha256": "0"},
    "/verdict": {"result": "ok", "text_sha256": "0"},
}


def _body_for(path: str, method: str) -> tuple[Any, dict[str, str]]:
    """A body that is refused for no reason but the right."""
    if method not in ("POST", "PUT"):
        return None, {}
    body = next((body for ending, body in BODIES.items() if path.endswith(ending)), {})
    return body, {"If-Match": '"0"'} if path.endswith("/verdict") else {}


def test_every_route_of_the_app_asks_who_is_there() -> None:
    from plugins.web.app import app

    ours = {route.path for route in app.routes if isinstance(route, APIRoute) and "/ui/api" in route.path}
    assert ours == {path for _, path in NEEDED}
    assert {"/ui/api/search", "/ui/api/quality/calls"} <= ours


def test_the_matrix_of_rights_and_routes(browser: Browser) -> None:
    """Every route, asked by everyone: exactly those with its right are not refused, and each refusal is noted."""
    wrong, denied = [], 0
    for (method, path), right in NEEDED.items():
        asked = example(path.removeprefix("/ui/api"))
        body, headers = _body_for(path, method)
        for who in ("nobody", "token", *ROLES):
            status = browser.ask(method, asked, who, body, **headers).status_code
            rights = RIGHTS_OF_PROGRAM if who == "token" else RIGHTS_OF_SIMPLE_ROLES.get(who, frozenset())
            may = bool(rights) if right is None else right in rights
            expected = 401 if who == "nobody" else None if may else 403
            denied += expected == 403
            if (expected is not None and status != expected) or (expected is None and status in (401, 403, 500, 501)):
                wrong.append((method, path, who, status))
    assert wrong == []
    assert [action for action, _ in browser.actions()].count(Action.ACCESS_DENIED) == denied > 10


def test_a_token_that_is_guessed_is_no_token(browser: Browser) -> None:
    answer = browser.client.get("/ui/api/me", headers={"Authorization": "Bearer guessed"})
    assert answer.status_code in (401, 403)
    me = browser.ask("GET", "/me", "token").json()
    assert (me["rights"], me["version"]) == (["read"], VERSION), "the pages compare the version with their own"


def test_the_description_of_the_routes_is_for_readers_only(browser: Browser) -> None:
    described = browser.ask("GET", "/openapi.json", "token").json()
    assert {f"/call_export{path}" for _, path in NEEDED} == set(described["paths"])
    assert browser.ask("GET", "/openapi.json", "nobody").status_code == 401


def test_a_user_class_that_is_not_known_has_no_right() -> None:
    from airflow.api_fastapi.app import get_auth_manager

    from plugins.web.calls.browser_api.reader_rights import rights_of

    class Stranger:
        role = "admin"

    assert rights_of(Stranger(), get_auth_manager()) == frozenset()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "served"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://testserver"}, True),
    ],
    ids=str,
)
def test_a_page_of_another_site_changes_nothing(browser: Browser, headers: dict[str, str], *, served: bool) -> None:
    answer = browser.ask("POST", f"/calls/{browser.own}/number", "op", {}, **headers)
    assert answer.status_code == (200 if served else 403)
    assert (Action.NUMBER_SHOWN in [action for action, _ in browser.actions()]) is served
    form = browser.client.post(
        f"/ui/api/calls/{browser.own}/number", data={"a": "1"}, headers=as_user("op")
    )  # as a form sends it
    assert form.status_code == 422


# ---------------------------------------------------------------- scope


def test_a_call_outside_the_scope_is_not_there(browser: Browser) -> None:
    browser.run("INSERT INTO call_scopes VALUES ('user', %s, NULL)", [LINE])
    for path in ("", "/text", "/peaks", "/audio", "/events"):
        assert browser.ask("GET", f"/calls/{browser.other}{path}", "user").status_code == 404, path
        assert browser.ask("GET", f"/calls/{browser.own}{path}", "user").status_code == 200, path
    found = browser.ask("POST", "/search", "user", {"q": "возврат", "facets": True}).json()
    assert [item["id"] for item in found["items"]] == [browser.own]
    assert found["facets"]["lines"] == [[LINE, 1]]
    assert len(browser.ask("POST", "/search", "user", {"lines": [OTHER_LINE]}).json()["items"]) == 0
    verdict = {"result": "ok", "text_sha256": "0"}
    assert (
        browser.ask("PUT", f"/calls/{browser.other}/verdict", "user", verdict, **{"If-Match": "0"}).status_code == 404
    )
    assert (Action.ACCESS_DENIED, "user") in browser.actions()


# ---------------------------------------------------------------- what is given


def test_a_search_shows_the_hit_and_its_second(browser: Browser) -> None:
    found = browser.ask("POST", "/search", "user", {"q": "денег", "facets": True, "limit": 1}).json()
    (item,) = found["items"]
    assert item["snippets"] == [
        {"t": 4.0, "parts": [["Хочу возврат ", 0], ["денег", 1], [", звоните +7 999 *** ** 67.", 0]]}
    ]
    assert (item["from"], item["at"]) == ("+7 999 *** ** 21", "2025-08-06T12:01:00+03:00")
    assert found["total"] == {"value": 1, "more": False}
    assert (
        browser.ask("POST", "/search", "user", {"q": "денег", "snippets": False}).json()["items"][0]["snippets"] == []
    )
    asked = {"q": "денег возврат", "ids": [browser.own, browser.bare, browser.other, 999]}
    apart = browser.ask("POST", "/search/snippets", "user", asked).json()
    assert set(apart) == {str(browser.own), str(browser.other)}
    assert ["денег", 1] in apart[str(browser.own)][0]["parts"]
    browser.run("INSERT INTO call_scopes VALUES ('op', %s, NULL)", [OTHER_LINE])
    assert set(browser.ask("POST", "/search/snippets", "op", asked).json()) == {str(browser.other)}
    noted = [e.detail for e in AuditLog(browser.state.session).entries() if e.action == Action.CALLS_SEARCHED]
    assert f'"calls": [{browser.own}, {browser.other}]' in noted[-2]
    assert "7654321" not in json.dumps(found)


def test_pages_follow_each_other(browser: Browser) -> None:
    first = browser.ask("POST", "/search", "user", {"limit": 2}).json()
    second = browser.ask("POST", "/search", "user", {"limit": 2, "cursor": first["cursor"]}).json()
    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["cursor"] is None


@pytest.mark.parametrize(
    "body",
    [{"q": "a" * 301}, {"sort": "oldest"}, {"limit": 0}, {"unknown": 1}, {"digits": "x"}, {"lines": ["a"] * 51},
     {"cursor": "nonsense"}, {"statuses": ["gone"]}, {"from": "yesterday"}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_asked_is_a_422_in_one_sentence(browser: Browser, body: dict[str, Any]) -> None:
    answer = browser.ask("POST", "/search", "user", body)
    assert answer.status_code == 422
    assert "\n" not in answer.json()["detail"]


def test_words_of_a_shared_search_are_in_no_address(browser: Browser) -> None:
    shared = browser.ask("POST", "/searches", "user", {"q": '"возврат денег"', "lines": [LINE]})
    assert shared.status_code == 201
    again = browser.ask("GET", f"/searches/{shared.json()['s']}", "admin").json()
    assert (again["q"], again["lines"]) == ('"возврат денег"', [LINE])
    assert browser.ask("GET", f"/searches/{'0' * 16}").status_code == 404


def test_a_refusal_speaks_the_readers_language(browser: Browser) -> None:
    russian = browser.ask("GET", "/calls/999", "user").json()["detail"]
    english = browser.ask("GET", "/calls/999", "user", **{"Accept-Language": "en-US,en;q=0.9"}).json()["detail"]
    assert (russian, english) == ("такого звонка нет", "there is no such call")


def test_every_sentence_is_there_in_both_languages() -> None:
    assert two_languages.REFUSALS.keys() == russian.REFUSALS.keys()
    assert two_languages.EVENTS.keys() == russian.EVENTS.keys()


def test_hostile_words_stay_words(browser: Browser) -> None:
    turn = browser.ask("GET", f"/calls/{browser.other}/text", "admin").json()["turns"][0]
    assert turn["text"].startswith("<img src=x onerror=alert(1)>")
    item = browser.ask("POST", "/search", "admin", {"q": "возврат"}).json()["items"][0]
    assert item["id"] == browser.other
    assert ["возврат", 1] in item["snippets"][0]["parts"], "words between angle brackets are words"
    answer = browser.ask("GET", f"/calls/{browser.other}/text", "admin")
    assert answer.headers["content-type"] == "application/json"


def test_numbers_are_masked_without_the_right_and_whole_with_it(browser: Browser) -> None:
    masked = browser.ask("GET", f"/calls/{browser.own}/text", "user").json()["turns"][1]["text"]
    whole = browser.ask("GET", f"/calls/{browser.own}/text", "op").json()["turns"][1]["text"]
    assert masked == "Хочу возврат денег, звоните +7 999 *** ** 67."
    assert whole == "Хочу возврат денег, звоните +7 999 123-45-67."
    assert browser.ask("POST", f"/calls/{browser.own}/number", "op", {}).json()["from"] == "+79997654321"


def test_a_call_without_a_text_and_an_erased_one_say_so(browser: Browser) -> None:
    card = browser.ask("GET", f"/calls/{browser.bare}").json()
    assert (card["text_state"], card["audio"]["state"]) == ("none", "absent")
    for path in ("/text", "/audio", "/peaks"):
        assert browser.ask("GET", f"/calls/{browser.bare}{path}").status_code == 404
    browser.run("UPDATE recordings SET status = 'erased', transcript_id = NULL WHERE recording_id = %s", browser.own)
    card = browser.ask("GET", f"/calls/{browser.own}").json()
    assert (card["text_state"], card["audio"]["state"], card["files"]) == ("erased", "erased", [])
    assert browser.ask("GET", f"/calls/{browser.own}/text").json()["detail"] == "звонок стёрт по требованию"
    assert browser.own not in [item["id"] for item in browser.ask("POST", "/search", body={}).json()["items"]]


def test_a_summary_is_a_text_of_the_call(browser: Browser, tmp_path: Path) -> None:
    path = f"/calls/{browser.own}/summary"
    assert browser.ask("GET", path, "user").status_code == 404
    written = "# Звонок 1\n\n- Запись: 11\n\n## Кратко\n\nЗвонить +7 999 123-45-67.\n\n## Темы\n\n- возврат\n"
    LocalStorage(tmp_path / "storage").put_bytes("summary/call.md", written.encode(), "text/markdown")
    browser.run("UPDATE recordings SET summary_path = 'summary/call.md' WHERE recording_id = %s", browser.own)
    masked, whole = (browser.ask("GET", path, who).json()["sections"] for who in ("user", "op"))
    assert [section["title"] for section in masked] == ["Кратко", "Темы"]
    assert masked[1]["lines"] == ["возврат"]
    assert "123-45-67" in whole[0]["lines"][0]
    assert "123-45-67" not in masked[0]["lines"][0]
    assert browser.actions().count((Action.TEXT_READ, "user")) == 1


# ---------------------------------------------------------------- sound


def test_a_player_gets_the_bytes_it_asks_for(browser: Browser) -> None:
    path, size = f"/calls/{browser.own}/audio", len(browser.sound)
    whole = browser.ask("GET", path, "user")
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, browser.sound, "bytes")
    assert (whole.headers["content-type"], whole.headers["cache-control"]) == ("audio/wav", "private, no-store")
    for asked, (start, end) in {
        "bytes=0-": (0, size), "bytes=5-9": (5, 10), "bytes=-500": (size - 500, size),
        f"bytes={size - 3}-{size + 99}": (size - 3, size),
    }.items():  # fmt: skip
        part = browser.ask("GET", path, "user", Range=asked)
        assert (part.status_code, part.content) == (206, browser.sound[start:end]), asked
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    assert browser.ask("GET", path, "user", Range=f"bytes={size}-").status_code == 416
    assert browser.ask("GET", path, "user", Range="bytes=0-1,4-5").status_code == 200, "several ranges: the whole file"
    etag = whole.headers["etag"]
    assert browser.ask("GET", path, "user", Range="bytes=0-1", **{"If-Range": etag}).status_code == 206
    assert browser.ask("GET", path, "user", Range="bytes=0-1", **{"If-Range": '"other"'}).status_code == 200
    head = browser.ask("HEAD", path, "user")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))


def test_what_browsers_do_not_play_is_heard_as_a_copy_and_taken_as_it_is(browser: Browser, tmp_path: Path) -> None:
    """A-law of a telephone exchange; the copy is made once, ends with the audio and is never another call's."""
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav"), "audio/wav")
    path = f"/calls/{browser.own}/audio"
    first = browser.ask("GET", path, "user", Range="bytes=0-3")
    assert (first.status_code, first.content, first.headers["content-type"]) == (206, b"OggS", "audio/ogg")
    (copy,) = storage.keys("playable/")
    whole = browser.ask("GET", path, "user")
    assert whole.content == storage.get_bytes(copy)
    assert whole.headers["etag"] == first.headers["etag"]
    taken = browser.ask("GET", f"{path}?download=1", "op")
    assert (taken.content, taken.headers["content-type"]) == (storage.get_bytes(key), "audio/wav")
    assert taken.headers["etag"] != whole.headers["etag"]
    browser.run("UPDATE recordings SET checksum = 'c2' WHERE recording_id = %s", browser.own)
    storage.put_bytes(key, browser.sound, "audio/wav")
    assert browser.ask("GET", path, "user").content == browser.sound, "the call has another recording now"


@pytest.mark.parametrize("what", ["audio", "peaks"])
@pytest.mark.parametrize(
    "end",
    [
        "UPDATE recordings SET status = 'erased' WHERE recording_id = %s",
        "UPDATE recordings SET raw_path = NULL WHERE recording_id = %s",
        "UPDATE recordings SET checksum = 'another' WHERE recording_id = %s",
    ],
)
def test_nothing_of_an_audio_that_has_ended_meanwhile_is_stored(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, end: str
) -> None:
    """Making the copy takes up to a minute: the call's files may all be deleted before it is stored."""
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav"), "audio/wav")
    module = f"include.speech.audio.{'listening.copy_apart' if what == 'audio' else 'peaks.peaks_apart'}"
    make = pkgutil.resolve_name(module)

    def slow(*arguments: Any, **named: Any) -> Any:
        made = make(*arguments, **named)
        browser.run(end, browser.own)
        return made

    monkeypatch.setattr(module, slow)
    assert browser.ask("GET", f"/calls/{browser.own}/{what}", "user").status_code == 404
    assert [*storage.keys("playable/"), *storage.keys("peaks/")] == []


def test_the_end_of_an_audio_waits_until_its_copy_is_stored(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav"), "audio/wav")
    put, ended = LocalStorage.put_file, []

    def at_the_same_moment(self: LocalStorage, to: str, *arguments: Any) -> None:
        with psycopg.connect(browser.state.session.conninfo, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '50ms'")
            try:
                connection.execute("UPDATE recordings SET status = 'erased' WHERE recording_id = %s", [browser.own])
                ended.append(to)
            except psycopg.errors.LockNotAvailable:
                put(self, to, *arguments)

    monkeypatch.setattr(LocalStorage, "put_file", at_the_same_moment)
    assert browser.ask("GET", f"/calls/{browser.own}/audio", "user").status_code == 200
    assert ended == []
    assert len(list(storage.keys("playable/"))) == 1
    browser.run("UPDATE recordings SET status = 'erased' WHERE recording_id = %s", browser.own)


def test_a_copy_that_ended_with_its_audio_is_made_again(browser: Browser, tmp_path: Path) -> None:
    """A run may load the audio anew after its period has ended: the file and its checksum are the same."""
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav"), "audio/wav")
    path = f"/calls/{browser.own}/audio"
    first = browser.ask("GET", path, "user")
    storage.erase_all(list(storage.keys("playable/")))
    assert browser.ask("GET", path, "user").status_code == first.status_code == 200
    assert len(list(storage.keys("playable/"))) == 1


def test_a_long_recording_is_heard_in_parts_while_its_copy_is_made(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav", 200.0), "audio/wav")
    path, go_on, copy = f"/calls/{browser.own}/audio", threading.Event(), listening.copy_apart

    def slow(*arguments: Any, **named: Any) -> None:
        named["on_progress"](30.0)
        go_on.wait(60)
        copy(*arguments, **named)

    monkeypatch.setattr(listening, "copy_apart", slow)
    monkeypatch.setattr(playable, "COPY_WAIT_SECONDS", 0.2)
    assert browser.ask("GET", f"{path}/copy", "user").json() == {"state": "none", "made_sec": None}
    for _ in range(2):
        refused = browser.ask("GET", path, "user")
        assert (refused.status_code, refused.json()["detail"]) == (503, russian.REFUSALS["copy_is_made"])
    assert browser.ask("GET", f"{path}/copy", "user").json() == {"state": "making", "made_sec": 30.0}
    part = browser.ask("GET", f"{path}/part?second=90.5", "user")
    assert (part.status_code, part.content[:4], part.headers["cache-control"]) == (200, b"OggS", "private, no-store")
    assert browser.ask("GET", f"{path}/part?second=200.5", "user").status_code == 404
    assert list(storage.keys("playable/")) == [], "a part is kept nowhere"
    assert [action for action, _ in browser.actions()].count(Action.CALL_HEARD) == 1
    go_on.set()
    monkeypatch.setattr(playable, "COPY_WAIT_SECONDS", 60.0)
    assert browser.ask("GET", path, "user", Range="bytes=0-3").content == b"OggS"
    assert browser.ask("GET", f"{path}/copy", "user").json()["state"] == "ready"


def test_no_part_of_an_audio_that_has_ended_meanwhile_goes_out(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    storage.put_file(key, alaw(tmp_path / "alaw.wav"), "audio/wav")
    make = listening.part_apart

    def slow(*arguments: Any, **named: Any) -> None:
        make(*arguments, **named)
        browser.run("UPDATE recordings SET status = 'erased' WHERE recording_id = %s", browser.own)

    monkeypatch.setattr(listening, "part_apart", slow)
    assert browser.ask("GET", f"/calls/{browser.own}/audio/part", "user").status_code == 404


def test_hearing_is_noted_once_and_each_download(browser: Browser) -> None:
    path = f"/calls/{browser.own}/audio"
    for start in range(5):
        browser.ask("GET", path, "user", Range=f"bytes={start}-")
    browser.ask("GET", path, "op")
    assert browser.ask("GET", f"{path}?download=1", "user").status_code == 403
    taken = [browser.ask("GET", f"{path}?download=1", "op") for _ in range(2)]
    assert taken[0].headers["content-disposition"] == f'attachment; filename="2025-08-06_0901_{browser.own}.wav"'
    heard = [actor for action, actor in browser.actions() if action == Action.CALL_HEARD]
    assert heard == ["user", "op"]
    assert [action for action, _ in browser.actions()].count(Action.AUDIO_TAKEN) == 2


def test_the_waveform_is_made_once_and_kept(browser: Browser, tmp_path: Path) -> None:
    first = browser.ask("GET", f"/calls/{browser.own}/peaks", "user")
    assert (first.status_code, HEADER.unpack(first.content[: HEADER.size])[:3]) == (200, (1, 2, 10))
    assert len(list((tmp_path / "storage" / "peaks").rglob("*.bin"))) == 1
    again = browser.ask("GET", f"/calls/{browser.own}/peaks", "user", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_replaced_recording_gets_a_new_waveform(browser: Browser, tmp_path: Path) -> None:
    """The portal may replace a recording: its file keeps the key, its checksum is another."""
    storage, key = LocalStorage(tmp_path / "storage"), browser.state.recordings.get(browser.own).raw_path
    assert key is not None
    path = f"/calls/{browser.own}/peaks"
    before = browser.ask("GET", path, "user")
    assert before.headers["cache-control"] == "private, no-cache", "a browser asks whether it is the same recording"
    storage.put_file(key, wav(tmp_path / "longer.wav", voice(4.0, seed=7)), "audio/wav")
    browser.run("UPDATE recordings SET checksum = 'c2' WHERE recording_id = %s", browser.own)
    after = browser.ask("GET", path, "user", **{"If-None-Match": before.headers["etag"]})
    assert (after.status_code, HEADER.unpack(after.content[: HEADER.size])[1:]) == (200, (1, 10, 4.0))
    assert browser.ask("GET", path, "user").content == after.content
    assert len(list(storage.keys("peaks/"))) == 1


# ---------------------------------------------------------------- bundles, erasures, limits


def test_a_bundle_has_what_its_person_may_still_see(browser: Browser) -> None:
    wanted = {"search": {}, "what": ["text", "audio", "registry"]}
    assert browser.ask("POST", "/bundles", "op", {**wanted, "search": {"q": "слона"}}).status_code == 422
    made = browser.ask("POST", "/bundles", "op", wanted)
    assert (made.status_code, made.json()["calls"]) == (201, 3)
    path = f"/bundles/{made.json()['id']}/file"
    assert browser.ask("GET", path, "admin").status_code == 404, "a bundle is its person's own"
    browser.run("UPDATE recordings SET from_number = '=1+1' WHERE recording_id = %s", browser.own)
    browser.run("UPDATE recordings SET status = 'erased', transcript_id = NULL WHERE recording_id = %s", browser.other)
    answer = browser.ask("GET", path, "op")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names)) == 2, "a table and a sound: the text has no file here"
        assert browser.sound in [archive.read(name) for name in names]
        table = archive.read("calls.csv").decode("utf-8-sig").splitlines()
    assert [line.split(";")[0] for line in table[1:]] == [str(browser.bare), str(browser.own)]
    assert ";'=1+1;" in "".join(table)
    (row,) = browser.ask("GET", "/bundles", "op").json()
    assert row["taken_at"] is not None
    (taken,) = [e for e in AuditLog(browser.state.session).entries() if e.action == Action.BUNDLE_TAKEN]
    assert str(browser.own) in taken.detail
    found = browser.ask("POST", "/audit", body={"call": browser.own, "action": "bundle_taken"}).json()["items"]
    assert len(found) == 1, "a call's log knows the bundle it went out with"
    browser.run("UPDATE call_bundles SET expires_at = now() - interval '1 s'")
    assert browser.ask("GET", path, "op").status_code == 404


@pytest.mark.parametrize(("what", "read"), [("text", "get_bytes"), ("audio", "size_of"), ("audio", "get_range")])
def test_a_bundle_has_nothing_that_was_erased_while_it_was_read(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, read: str
) -> None:
    """The file is read, then the call is erased, then the block would go out: it does not."""
    browser.run("UPDATE recordings SET transcript_path = 'transcripts/own.txt' WHERE recording_id = %s", browser.own)
    (tmp_path / "storage/transcripts").mkdir(exist_ok=True)
    (tmp_path / "storage/transcripts/own.txt").write_text("слово-маяк", encoding="utf-8")
    made = browser.ask("POST", "/bundles", "op", {"search": {}, "what": [what]})
    real = getattr(LocalStorage, read)

    def then_erased(*asked: Any) -> Any:
        found = real(*asked)
        browser.run("UPDATE recordings SET status = 'erased', transcript_id = NULL")
        return found

    monkeypatch.setattr(LocalStorage, read, then_erased)
    path = f"/bundles/{made.json()['id']}/file"
    if read == "get_range":
        with pytest.raises(Permanent, match="breaks off"):
            browser.ask("GET", path, "op")
        return
    answer = browser.ask("GET", path, "op")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == []


def test_erasures_are_listed_and_bad_demands_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, "call_export_erasure", conn_type="generic", password="k" * 32)
    bad = {"number": "12345", "reason": "+7 999 123-45-67", "asked_by": "сам"}
    assert browser.ask("POST", "/erasures", "op", bad).status_code == 422
    good = {"call": browser.own, "reason": "обращение 1", "asked_by": "сам"}
    refused = browser.ask("POST", "/erasures", "op", good)
    assert (refused.status_code, "call_erasure" in refused.json()["detail"]) == (409, True), "no such DAG here"
    assert browser.ask("POST", "/erasures", "op", {**good, "call": 999}).status_code == 404
    demand = Demand(SubjectKind.CALL, "h", "***438", "обращение 1", "сам", None)
    erasures = Erasures(browser.state.session)
    for number, by in enumerate(("op", "admin"), start=1):
        erasures.register(UUID(int=number), f"dag-{number}", demand, triggered_by=by, key_name="k")
    rows = browser.ask("GET", "/erasures", "admin").json()["items"]
    assert {row["triggered_by"]: (row["may_decide"], row["may_approve"]) for row in rows} == {
        "op": (True, True), "admin": (True, False),
    }  # fmt: skip
    first = browser.ask("GET", "/erasures?limit=1", "op").json()
    second = browser.ask("GET", f"/erasures?limit=1&cursor={first['cursor']}", "op").json()
    assert len({first["items"][0]["id"], second["items"][0]["id"]}) == 2
    assert (second["cursor"], first["items"][0]["may_decide"]) == (None, False)
    own = browser.ask("POST", f"/erasures/{UUID(int=2)}/decision", "admin", {"decision": "approve"})
    other = browser.ask("POST", f"/erasures/{UUID(int=1)}/decision", "admin", {"decision": "approve"})
    assert (own.status_code, other.status_code) == (409, 409), "one's own; no question waits in Airflow"
    assert browser.ask("POST", f"/erasures/{UUID(int=9)}/decision", "admin", {"decision": "refuse"}).status_code == 404


def test_more_than_a_person_works_in_an_hour_is_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(call_pages.MOST_AN_HOUR, Action.NUMBER_SHOWN, 2)
    path = f"/calls/{browser.own}/number"
    assert [browser.ask("POST", path, "op", {}).status_code for _ in range(3)] == [200, 200, 429]
    assert browser.ask("POST", path, "admin", {}).status_code == 200, "each person has an hour of their own"


# ---------------------------------------------------------------- verdicts


def test_a_verdict_is_about_the_text_that_was_read(browser: Browser) -> None:
    path = f"/calls/{browser.own}"
    card = browser.ask("GET", path, "user").json()
    verdict = {"result": "issue", "comment": "слово пропало", "text_sha256": card["text_sha256"]}
    match = {"If-Match": f'"{card["etag"]}"'}
    without = {"result": "issue", "text_sha256": card["text_sha256"]}
    assert browser.ask("PUT", f"{path}/verdict", "user", without, **match).status_code == 422
    kept = browser.ask("PUT", f"{path}/verdict", "user", verdict, **match)
    assert kept.status_code == 200, kept.text
    detail = kept.json()["verdict_detail"]
    assert (detail["result"], detail["by"], detail["of_present_text"]) == ("issue", "user", True)
    assert browser.ask("PUT", f"{path}/verdict", "op", verdict, **match).status_code == 412
    newest = {"If-Match": kept.json()["etag"]}
    assert browser.ask("PUT", f"{path}/verdict", "op", verdict | {"text_sha256": "0"}, **newest).status_code == 409
    assert [one for one in browser.actions() if one[0] == Action.CALL_CHECKED] == [("call_checked", "user")]


# ---------------------------------------------------------------- the audit log


def test_each_reading_is_noted_and_the_chain_is_whole(browser: Browser) -> None:
    browser.ask("POST", "/search", "user", {"q": "возврат +79991234567"})
    browser.ask("POST", "/search", "user", {})
    for path in ("", "/text", "/events"):
        browser.ask("GET", f"/calls/{browser.own}{path}", "user")
    browser.ask("POST", "/search", "token", {"digits": "4567"})
    assert browser.actions() == [
        ("calls_searched", "user"), ("call_opened", "user"), ("text_read", "user"), ("history_read", "user"),
        ("calls_searched", PROGRAM),
    ]  # fmt: skip
    log = AuditLog(browser.state.session)
    with log.snapshot() as ends:
        entries = list(log.entries())
        assert list(breaks(entries, ends)) == []
    assert "9991234567" not in "".join(entry.detail for entry in entries)
    assert "денег" not in "".join(entry.detail for entry in entries)


def test_what_cannot_be_noted_is_not_shown(browser: Browser) -> None:
    browser.run("ALTER FUNCTION audit_record(text, text, uuid, text, text, text, jsonb) RENAME TO audit_record_gone")
    for method, path, body in (
        ("GET", f"/calls/{browser.own}", None),
        ("GET", f"/calls/{browser.own}/text", None),
        ("GET", f"/calls/{browser.own}/audio", None),
        ("POST", f"/calls/{browser.own}/number", {}),
        ("POST", "/search", {"q": "возврат"}),
    ):
        answer = browser.ask(method, path, "admin", body)
        assert answer.status_code == 503, path
        assert "возврат" not in answer.text
        assert answer.headers["retry-after"] == "5"


def test_a_database_that_is_gone_is_a_503_and_a_search_that_takes_long_a_422(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.web.calls.browser_api import threads

    threads.sessions.close()
    monkeypatch.setattr(threads, "_SETTINGS", {"statement_timeout": "1ms"})
    answer = browser.ask("POST", "/search", "user", {"q": "возврат"})
    assert (answer.status_code, "уточните" in answer.json()["detail"]) == (422, True)
    threads.sessions.close()
    monkeypatch.setattr(threads.sessions, "_conninfo", lambda: "host=127.0.0.1 port=1 dbname=none connect_timeout=2")
    answer = browser.ask("POST", "/search", "user", {})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    threads.sessions.close()


# ---------------------------------------------------------------- runs, samples, the log, the settings


def test_a_run_is_found_by_its_dag_run_and_counted(browser: Browser) -> None:
    later = {"period_from": datetime(2025, 9, 1, tzinfo=UTC), "period_to": datetime(2025, 9, 2, tzinfo=UTC)}
    second = opened(browser.state, "2", **later)
    page = browser.ask("GET", "/runs?limit=1", "viewer").json()
    rest = browser.ask("GET", f"/runs?limit=1&cursor={page['cursor']}", "viewer").json()
    assert {page["items"][0]["dag_run_id"], rest["items"][0]["dag_run_id"]} == {"dag-1", "dag-2"}
    assert rest["cursor"] is None
    (found,) = browser.ask("GET", "/runs?dag_run_id=dag-2", "viewer").json()["items"]
    assert found["run_id"] == str(second.run_id)
    (first,) = browser.ask("GET", "/runs?dag_run_id=dag-1", "viewer").json()["items"]
    counted = browser.ask("GET", f"/runs/{first['run_id']}", "viewer").json()
    assert counted["statuses"] == [["completed", 2], ["pending", 1]]
    assert browser.ask("GET", f"/runs/{UUID(int=0)}", "viewer").status_code == 404
    series = browser.ask("GET", "/runs/series?days=30", "viewer").json()
    (day,) = series["days"]
    assert (day["day"], day["completed"], day["waiting"], day["errors"]) == ("2025-08-06", 2, 1, 0)
    assert len(series["runs"]) == 2


def test_a_run_leads_to_grafana_where_its_address_is_known(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = browser.ask("GET", "/runs", "viewer").json()["items"]
    path = f"/runs/{row['run_id']}"
    browser.run("UPDATE call_exports SET started_at = '2025-08-07 01:00Z', finished_at = NULL")
    assert browser.ask("GET", path, "viewer").json()["grafana_url"] is None
    policy = load_policy({})
    report = policy.report.model_copy(update={"grafana_url": "https://company.ru/grafana"})
    monkeypatch.setattr(serving._policies, "now", lambda: policy.model_copy(update={"report": report}))
    address = f"https://company.ru/grafana/d/{run_pages.DASHBOARD}?from=1754528400000&to="
    assert browser.ask("GET", path, "viewer").json()["grafana_url"] == f"{address}now"
    browser.run("UPDATE call_exports SET finished_at = '2025-08-07 01:10Z'")
    assert browser.ask("GET", path, "viewer").json()["grafana_url"] == f"{address}1754529000000"


def test_the_dashboard_of_a_run_exists() -> None:
    file = ROOT / "ops/monitoring/grafana/dashboards/call_export_overview.json"
    assert json.loads(file.read_text(encoding="utf-8"))["uid"] == run_pages.DASHBOARD


def test_the_report_of_a_run_is_for_readers_of_every_line(browser: Browser, tmp_path: Path) -> None:
    (row,) = browser.ask("GET", "/runs", "viewer").json()["items"]
    run = browser.state.runs.get(UUID(row["run_id"]))
    assert browser.ask("GET", f"/runs/{run.run_id}", "admin").json()["files"] == []
    assert browser.ask("GET", f"/runs/{run.run_id}/report", "user").status_code == 404
    storage, key = LocalStorage(tmp_path / "storage"), registry_key(run.period)
    storage.put_bytes(report_key(run.period, ".pdf"), b"%PDF-1.7", "application/pdf")
    storage.put_bytes(key.replace(".csv", ".xlsx"), b"PK", "application/zip")
    Publications(browser.state.session).note(key, run.run_id, complete=True, rows=3, seconds=0.1)

    def offered(who: str) -> list[str]:
        return [file["what"] for file in browser.ask("GET", f"/runs/{run.run_id}", who).json()["files"]]

    assert [offered(who) for who in ("viewer", "user", "op")] == [[], ["report"], ["report", "registry"]]
    found = browser.ask("GET", f"/runs/{run.run_id}/report", "user")
    assert (found.content, found.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
    assert found.headers["cache-control"] == "private, no-store"
    assert browser.ask("GET", f"/runs/{run.run_id}/registry", "user").status_code == 403
    saved = browser.ask("GET", f"/runs/{run.run_id}/registry", "op")
    assert saved.content == b"PK"
    assert saved.headers["content-disposition"].startswith('attachment; filename="calls_')
    taken = [actor for action, actor in browser.actions() if action == "run_file_taken"]
    assert taken == ["user", "op"]
    browser.run("INSERT INTO call_scopes (actor, lines) VALUES ('user', ARRAY[%s])", LINE)
    assert offered("user") == []
    assert browser.ask("GET", f"/runs/{run.run_id}/report", "user").status_code == 404


def test_an_empty_list_says_when_the_newest_call_was(browser: Browser) -> None:
    nothing = browser.ask("POST", "/search", "user", {"from": "2026-01-01"}).json()
    assert (nothing["items"], nothing["newest_at"]) == ([], "2025-08-06T12:03:00+03:00")
    browser.run("INSERT INTO call_scopes VALUES ('user', %s, NULL)", ["+70000000000"])
    assert browser.ask("POST", "/search", "user", {"from": "2026-01-01"}).json()["newest_at"] is None


def test_roles_are_corrected_of_the_text_that_was_read(browser: Browser) -> None:
    path = f"/calls/{browser.own}"
    card = browser.ask("GET", path, "op").json()
    assert card["role_fix"]["operator_channel"] == card["role_fix"]["of_policy"] == "left"
    wanted = {"operator_channel": "right", "text_sha256": card["text_sha256"]}
    for method, route in (("POST", "/roles/preview"), ("PUT", "/roles")):
        assert browser.ask(method, path + route, "user", wanted).status_code == 403
        assert browser.ask(method, path + route, "op", wanted | {"text_sha256": "0"}).status_code == 409
        gone = browser.ask(method, path + route, "op", wanted)  # this call's responses were never stored
        assert (gone.status_code, "ответов распознавателя" in gone.json()["detail"]) == (409, True)
    assert (Action.ROLES_CHANGED, "op") not in browser.actions()
    assert not [one for one in threading.enumerate() if one.name == "claims"], "a request left its thread behind"


def test_a_sample_goes_on_with_the_next_call_and_knows_the_scope(browser: Browser) -> None:
    (run,) = browser.ask("GET", "/runs", "user").json()["items"]
    queue = browser.ask("GET", f"/qa/{run['run_id']}", "user").json()
    assert {call["id"] for call in queue["items"]} == {browser.own, browser.other}
    assert (queue["checked"], queue["next"]) == (0, queue["items"][0]["id"])
    assert "+79997654321" not in json.dumps(queue)
    card = browser.ask("GET", f"/calls/{queue['next']}", "user").json()
    verdict = {"result": "ok", "text_sha256": card["text_sha256"]}
    assert browser.ask("PUT", f"/calls/{card['id']}/verdict", "user", verdict, **{"If-Match": card["etag"]}).is_success
    after = browser.ask("GET", f"/qa/{run['run_id']}", "user").json()
    assert (after["checked"], after["next"]) == (1, queue["items"][1]["id"])
    browser.run("INSERT INTO call_scopes VALUES ('user', %s, NULL)", [LINE])
    scoped = browser.ask("GET", f"/qa/{run['run_id']}", "user").json()
    assert [call["id"] for call in scoped["items"]] == [browser.own]


def test_the_log_is_read_by_those_who_watch_it(browser: Browser) -> None:
    for who in ("user", "op"):
        browser.ask("GET", f"/calls/{browser.own}/text", who)
    browser.ask("GET", f"/calls/{browser.other}/text", "op")
    asked = {"call": browser.own, "action": "text_read", "limit": 1}
    first = browser.ask("POST", "/audit", body=asked).json()
    assert [(row["actor"], row["text"], row["call"]) for row in first["items"]] == [
        ("op", "текст прочитан", browser.own)
    ]
    rest = browser.ask("POST", "/audit", body=asked | {"cursor": first["cursor"]}).json()
    assert [row["actor"] for row in rest["items"]] == ["user"]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert browser.ask("POST", "/audit", body={"actor": "user", "before": "2020-01-01"}).json()["items"] == []
    assert (
        len(browser.ask("POST", "/audit", body={"actor": "user", "since": today, "before": today}).json()["items"]) == 1
    )
    assert browser.ask("POST", "/audit", body={"action": "nothing"}).status_code == 422


def test_settings_show_no_secret(browser: Browser) -> None:
    shown = browser.ask("GET", "/settings", "viewer")
    assert shown.json()["policy"]["stt"]["model"] == "gpt-transcribe"
    assert shown.json()["connections"]["call_export_search"] is True
    assert TOKEN not in shown.text
