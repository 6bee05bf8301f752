"""Links, headings, commands, names and files that the documents mention exist."""

import re
import string
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from click import Command
from dotenv import dotenv_values
from markdown_it import MarkdownIt

from include.calls.domain.states import RecordStatus, RunStatus
from include.common.errors import ErrorCode
from jobs.call_export import main as export_command
from ops.one_machine.supervisor import COMPONENTS
from ops.settings.profile import Runtime
from tests.kit.paths import ROOT

READMES = [ROOT / "README.md", ROOT / "README.ru.md"]
RUNBOOK = ROOT / "docs/runbooks/call_export.md"
PAGES = [*READMES, *sorted((ROOT / "docs").rglob("*.md"))]
MOST_LINES = 120
MARKDOWN = MarkdownIt("gfm-like")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def targets(page: Path) -> set[str]:
    """Targets of the page's links and pictures."""
    found = (child for token in MARKDOWN.parse(text_of(page)) for child in token.children or [])
    return {
        unquote(str(child.attrGet("href") or child.attrGet("src")))
        for child in found
        if child.type in ("link_open", "image")
    }


def headings(page: Path) -> list[str]:
    tokens = MARKDOWN.parse(text_of(page))
    return [token.tag for token in tokens if token.type == "heading_open"]


def anchors(page: Path) -> set[str]:
    """GitHub's names of the page's headings."""
    tokens = MARKDOWN.parse(text_of(page))
    titles = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    kept = re.compile(rf"[{re.escape(string.punctuation.replace('-', '').replace('_', ''))}«»…—№]")
    return {kept.sub("", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in targets(page):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} is not there"
        assert there.is_relative_to(ROOT), f"{target} leads out of the repository"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


def test_the_readmes_are_short_and_equal():
    """The Russian one has the same headings, commands, links and settings as the English one."""
    english, russian = READMES
    assert headings(english) == headings(russian)
    assert max(len(text_of(page).splitlines()) for page in READMES) <= MOST_LINES
    own = {"README.md", "README.ru.md"}
    assert targets(english) - own == targets(russian) - own
    commands = [re.findall(r"make [a-z]+(?: \w+=\S+)*", text_of(page)) for page in READMES]
    assert commands[0] == commands[1]
    assert upper_names(text_of(english)) == upper_names(text_of(russian))


def test_every_adr_is_in_the_index_under_its_own_title():
    index = text_of(ROOT / "docs/adr/README.md")
    for page in sorted((ROOT / "docs/adr").glob("0*.md")):
        number, title = text_of(page).splitlines()[0].removeprefix("# ").split(". ", 1)
        assert f"| [{number}]({page.name}) | {title} |" in index


# Pages whose commands and names people type

TYPED = [*READMES, RUNBOOK, ROOT / "docs/error_codes.md", ROOT / "docs/qa.md"]
MAKEFILE = text_of(ROOT / "Makefile")
typed = pytest.mark.parametrize("page", TYPED, ids=lambda page: page.name)


def code_spans(page: Path) -> list[str]:
    tokens = MARKDOWN.parse(text_of(page))
    spans = [child.content for token in tokens for child in token.children or [] if child.type == "code_inline"]
    return spans + [line for token in tokens if token.type == "fence" for line in token.content.splitlines()]


def upper_names(text: str) -> set[str]:
    """Names of settings and of make's variables: B24_BASE_URL, FROM."""
    return set(re.findall(r"\b(?:[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]|(?<=[` ])[A-Z]+(?=[=`]))", text))


@typed
def test_every_make_target_and_its_variables_exist(page):
    goals = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    for span in code_spans(page):
        for goal, variables in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)((?: [A-Z_]+=\S*)*)", span):
            assert goal in goals, f"make {goal}"
            for name in re.findall(r"([A-Z_]+)=", variables):
                assert f"$({name})" in MAKEFILE, f"make does not know {name}"


@typed
def test_every_flag_exists(page):
    assert isinstance(export_command, Command)
    flags = {option for parameter in export_command.params for option in parameter.opts} | {"--help"}
    tools = {"--rm"}  # of docker compose
    for span in code_spans(page):
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", span)) <= flags | tools, span


@typed
def test_every_setting_exists(page):
    settings = set(dotenv_values(ROOT / ".env.example")) | set(re.findall(r"\$\(([A-Z_]+)\)", MAKEFILE))
    elsewhere = {"CALL_ID", "RECORD_ID", "DURATION_SEC", "DEMO_RECORDINGS_DIR", "S3_", "ID"}
    elsewhere |= {"AIRFLOW_CONN_SECOND_RECOGNISER"}  # a connection of the reader's own
    refusals = {"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT"}  # error codes of the portal
    for span in code_spans(page):
        if span.startswith(("SELECT", " ", "UPDATE", "START", "DIRECTION", "CALL_ID")):
            continue  # test_runbook.py runs the SQL; a transcript's header has its own tests
        unknown = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", span)) - settings - elsewhere - refusals
        assert not unknown, f"{unknown} in {span}"


def test_every_name_in_the_runbook_exists():
    """Columns, codes, tasks and parameters."""
    schema = "\n".join(text_of(path) for path in (ROOT / "include/calls/state/migrations/versions").glob("*.sql"))
    named = "".join(map(text_of, [*ROOT.glob("dags/calls/*.py"), ROOT / "include/calls/policy.yaml"]))
    known = {*map(str, ErrorCode), *map(str, RecordStatus), *map(str, RunStatus)}
    elsewhere = {"up_for_retry", "awaiting_input", "dry_run", "run_id", "record_id", "fallback_failed"}
    for span in code_spans(RUNBOOK):
        if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", span):
            assert span in known | elsewhere or re.search(rf"\b{span}\b", schema + named), span
        if re.fullmatch(r"batch\.[a-z]+", span):
            assert re.search(rf'def {span[6:]}\(|task_id="{span[6:]}"', named), span


def test_every_file_and_folder_of_the_runbook_exists():
    """Files of a running system are compared with the launcher's names."""
    made = {f"var/main/logs/{component}.log" for component in COMPONENTS} | {
        str(path.relative_to(ROOT))
        for path in (Runtime().storage, Runtime().logs / "tasks", Runtime().logs / "supervisord.log")
    }
    for span in code_spans(RUNBOOK):
        for path in re.findall(r"(?<![\w/<.-])(?:var|include|docs|jobs|ops)/[\w./-]+", span):
            stored = path.startswith(str((Runtime().storage / "exports").relative_to(ROOT)))
            assert stored or path in made or (ROOT / path).exists(), path


def test_every_slack_message_is_in_the_table():
    """By its kind, which `call_events` has as `detail.kind`."""
    senders = "".join(map(text_of, (*ROOT.glob("plugins/*/slack_messages.py"), ROOT / "plugins/calls/report_mail.py")))
    sent = set(re.findall(r'kind="(\w+)"', senders))
    page = text_of(ROOT / "docs/slack_messages.md")
    assert sent == set(re.findall(r"^\| [^|]+ \| `(\w+)` \|", page, flags=re.MULTILINE))
    assert len(sent) > 3


# Pages about adding something

SOURCES = ("include", "plugins", "jobs", "ops", "dags", "simulators", "tests")
ADDING = sorted((ROOT / "docs/adding").glob("*.md"))
IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
IN_A_FILE = re.compile(
    r"`([\w.]+)`(?:,? and `([\w.]+)`)?(?: and its sentence)? (?:in|of) `([\w./]+\.(?:py|sql|yaml|yml))`"
)
NOT_IN_THE_CODE = {"sales", "include.sales", "lint-imports"}  # the new area of the example


@cache
def words_of_the_code() -> frozenset[str]:
    paths = [
        path for top in SOURCES for path in (ROOT / top).rglob("*") if path.suffix in {".py", ".sql", ".yaml", ".yml"}
    ]
    lone = [ROOT / name for name in ("pyproject.toml", "Makefile", ".env.example", "airflow_settings.yaml", ".ci/run")]
    return frozenset(word for path in [*paths, *lone] for word in re.findall(r"\w+", text_of(path)))


@pytest.mark.parametrize("page", ADDING, ids=lambda page: page.name)
def test_every_name_on_a_page_about_adding_is_in_the_code(page):
    spans = {span for span in code_spans(page) if IDENTIFIER.fullmatch(span)} - NOT_IN_THE_CODE
    files = {path.name for top in (*SOURCES, "docs") for path in (ROOT / top).rglob("*.*")} | {"CHANGELOG.md"}
    names = {part for span in spans if span not in files for part in span.split(".")}
    assert names - words_of_the_code() == set()


@pytest.mark.parametrize("page", ADDING, ids=lambda page: page.name)
def test_a_name_is_in_the_file_beside_it(page):
    """For `name` in `path`."""
    for *names, path in IN_A_FILE.findall(text_of(page)):
        files = [file for top in SOURCES for file in (ROOT / top).rglob("*.*") if f"/{file}".endswith(f"/{path}")]
        assert files, path
        words = {word for file in files for word in re.findall(r"\w+", text_of(file))}
        assert {part for name in names if name for part in name.split(".")} <= words, f"{names} in {path}"
