"""Two languages, never mixed: logs and exceptions are English, what operators read is Russian and from a catalogue."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

import pytest

from include.call_centre.wording import problems as quality_problems
from include.calls.wording import problems as calls_problems
from include.common import errors
from include.common.wording import problems as common_problems
from include.sales.wording import problems as sales_problems
from include.smoke.wording import problems as smoke_problems
from ops.wording import problems as ops_problems
from tests.kit.paths import ROOT

# Files that may hold Russian, each with its reason. A folder ends with a slash.
RUSSIAN = {
    "include/calls/wording/": "the catalogue of the area `calls`",
    "include/smoke/wording/": "the catalogue of the area `smoke`",
    "include/sales/wording/": "the catalogue of the area `sales`",
    "include/call_centre/wording/": "the catalogue of the area `call_centre`",
    "include/call_centre/domain/evidence.py": "fillers and negations as people say them",
    "include/call_centre/domain/rule_answers.py": "how people say that they transfer a call",
    "include/call_centre/domain/score_question.py": "the card as a prompt shows it; how callers speak to a judge",
    "dags/call_centre/": "the descriptions of DAGs and parameters in the UI",
    "include/sales/domain/letters.py": "headings of tables in letters",
    "include/sales/domain/letter_values.py": "currencies as letters write them",
    "include/sales/domain/utm.py": "cities as campaign labels spell them",
    "include/common/wording/problems.py": "sentences for errors of common, clients, speech and hooks",
    "include/common/wording/connections.py": "the connection form in Airflow",
    "include/common/wording/airflow_commands.py": "commands of Airflow's command line",
    "include/common/wording/error_catalogue.py": "what each error code means",
    "include/common/russian_format.py": "units of numbers and times",
    "ops/wording/": "the launcher's catalogue",
    "dags/calls/call_export.py": "the DAG's description in the UI",
    "dags/smoke/stt_smoke.py": "the DAG's description in the UI",
    "dags/sales/": "the descriptions of DAGs and parameters in the UI",
    "dags/calls/call_reconcile.py": "the DAG's description in the UI",
    "dags/calls/call_backup.py": "the DAG's description in the UI",
    "dags/calls/call_backup_drill.py": "the DAG's description in the UI",
    "dags/calls/call_retention.py": "the DAG's description in the UI",
    "dags/calls/call_erasure.py": "the DAG's description in the UI",
    "dags/calls/call_erasure_traces.py": "the DAG's description in the UI",
    "plugins/web/calls/react_apps.py": "names of pages in Airflow's menu",
    "include/common/contacts.py": "numbers and addresses as people say them, and what is put in their place",
    "include/common/personal_data/": "numbers, names and addresses as people say them",
    "include/common/wording/personal_data.py": "what is put in the place of personal data",
    "include/common/plain_text.py": "what is put in a link's place",
    "include/speech/quality_flags.py": "phrases that models invent",
    "include/speech/transcript_lines.py": "names of the speakers in a transcript",
    "include/speech/spoken_words.py": "fillers and numerals of the normaliser",
    "include/calls/domain/qa_sample.py": "what people type as a result",
    "include/common/spreadsheet_cells.py": "words that a spreadsheet takes for a truth value",
}

FILES = sorted(path for top in ("include", "plugins", "jobs", "ops", "dags") for path in (ROOT / top).rglob("*.py"))
# Tests are by folder: one for each of some six hundred files would cost more than the look at the file.
FOLDERS: dict[str, list[Path]] = {}
for _path in FILES:
    FOLDERS.setdefault("/".join(_path.relative_to(ROOT).parts[:-1][:2]), []).append(_path)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)

CATALOGUE_FILES = [
    *sorted((ROOT / "include/calls/wording").glob("*.py")),
    *sorted((ROOT / "include/smoke/wording").glob("[!e]*.py")),  # the catalogue of errors speaks to developers too
    *sorted((ROOT / "include/sales/wording").glob("[!e]*.py")),
    *sorted((ROOT / "include/call_centre/wording").glob("*.py")),
    ROOT / "include/common/wording/problems.py",
    ROOT / "include/common/wording/connections.py",
    *sorted((ROOT / "ops/wording").glob("*.py")),
]
COMMON = common_problems.PROBLEMS
# Which sentences an error may name, by the folder that raises it; the longest folder decides.
CATALOGUES: dict[str, tuple[Mapping[str, str], ...]] = {
    "include": (COMMON,),
    "include/calls": (calls_problems.PROBLEMS, COMMON),
    "include/smoke": (smoke_problems.PROBLEMS, COMMON),
    "include/sales": (sales_problems.PROBLEMS, COMMON),
    "include/call_centre": (quality_problems.PROBLEMS, COMMON),
    "plugins": (COMMON,),
    "plugins/calls": (calls_problems.PROBLEMS, COMMON),
    "plugins/smoke": (smoke_problems.PROBLEMS, COMMON),
    "plugins/sales": (sales_problems.PROBLEMS, COMMON),
    "plugins/call_centre": (quality_problems.PROBLEMS, COMMON),
    "plugins/web/call_centre": (quality_problems.PROBLEMS, calls_problems.PROBLEMS, COMMON),
    "jobs/sales.py": (sales_problems.PROBLEMS, COMMON),
    "plugins/web": (calls_problems.PROBLEMS, COMMON),
    "jobs": (calls_problems.PROBLEMS, COMMON),
    "ops": (ops_problems.PROBLEMS, COMMON),
    "dags": (),
}
ERRORS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
NEED_A_PROBLEM = {name for name, kind in ERRORS.items() if issubclass(kind, errors.StopRun | errors.BadInput)}
NO_FACTS = {"code", "retry_after", "problem", "attempt"}

# Words in Latin letters that a Russian sentence may hold: names, commands, settings and codes of what they speak about.
NAMES = {
    # products, and what their screens are called
    "Airflow", "Enterprise", "Excel", "OpenAI", "PostgreSQL", "PyPI", "Python", "Required", "Actions", "Clear", "Note",
    "cron", "Slack", "call", "migrate", "Connections", "Admin", "sslmode", "Yandex",
    "Markdown",
    "psql", "airflow", "api", "ensurepip", "pip", "supervisord", "uv", "venv", "virtualenv", "runbook",
    # commands, tasks, columns
    "make", "up", "down", "export", "resume", "rebuild", "qa", "deliver", "help", "backup", "plan", "summarize",
    "publish", "install",
    "status", "result", "comment", "pid", "env",
    # values
    "API", "OAuth", "Google", "VK", "Ads", "Testing", "gmail", "token",
    "cumulative", "daily", "event", "sale", "Europe", "Moscow", "Gmail", "RUB",
    "stub", "default", "ok", "issue", "true", "false", "left", "right", "portal", "today", "text", "json", "local",
    "ru", "en", "gpt",
    "host", "port", "https", "latest", "aws", "kms", "bucket",
    # permissions of S3, a header of HTTP
    "ClickHouse", "sales", "accept_shrink", "shrink", "accept", "QTickets", "Fernet", "load", "on",
    "qtickets", "vk_ads", "vk", "ads", "direct", "auto", "full", "incremental", "ack", "by", "legacy", "fernet", "html",
    "pdf", "PDF",
    "Approve", "Reject", "FROM", "TO", "OUT", "FILE", "rescore", "provider", "Kyiv", "operator_default", "USD", "CSV",
    "XLSX",
    "ListBucket", "GetObject", "PutObject", "DeleteObject", "Idempotency",
}  # fmt: skip


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def docstrings(tree: ast.Module) -> set[int]:
    """Ids of the constants that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def strings(node: ast.AST) -> Iterator[ast.Constant]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def russian_strings(path: Path) -> list[int]:
    """Lines with Russian literals; docstrings and comments are no literals."""
    tree = tree_of(path)
    skipped = docstrings(tree)
    return [text.lineno for text in strings(tree) if CYRILLIC.search(text.value) and id(text) not in skipped]


def may_be_russian(name: str) -> bool:
    return any(name == entry or (entry.endswith("/") and name.startswith(entry)) for entry in RUSSIAN)


def made_errors(path: Path) -> Iterator[ast.Call]:
    """Where the file makes an error of ours."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield node


def logged(path: Path) -> Iterator[ast.Call]:
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in levels:
            yield node


def russian_messages(path: Path) -> list[str]:
    raised = [node.exc for node in ast.walk(tree_of(path)) if isinstance(node, ast.Raise) and node.exc]
    messages = [part for made in (*raised, *made_errors(path)) if isinstance(made, ast.Call) for part in made.args]
    messages += [part for call in logged(path) for part in call.args]
    return [text.value for message in messages for text in strings(message) if CYRILLIC.search(text.value)]


def problem_of(made: ast.Call) -> str | None:
    """The literal key; "" where it is computed; None where there is none."""
    for keyword in made.keywords:
        if keyword.arg == "problem":
            return str(keyword.value.value) if isinstance(keyword.value, ast.Constant) else ""
    return None


def needs_a_problem(made: ast.Call) -> bool:
    return isinstance(made.func, ast.Name) and made.func.id in NEED_A_PROBLEM


def catalogues_of(name: str) -> tuple[Mapping[str, str], ...]:
    return CATALOGUES[max((folder for folder in CATALOGUES if name.startswith(f"{folder}/")), key=len)]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


class TestRussianStandsInCatalogues:
    @pytest.mark.parametrize("folder", FOLDERS)
    def test_no_russian_elsewhere(self, folder: str) -> None:
        others = [path for path in FOLDERS[folder] if not may_be_russian(name_of(path))]
        assert {name_of(path): lines for path in others if (lines := russian_strings(path))} == {}

    @pytest.mark.parametrize("entry", RUSSIAN)
    def test_every_exception_from_the_rule_is_needed(self, entry: str) -> None:
        files = [path for path in FILES if name_of(path) == entry or name_of(path).startswith(entry)]
        assert any(russian_strings(path) for path in files)


class TestLogsAndExceptionsAreEnglish:
    @pytest.mark.parametrize("folder", FOLDERS)
    def test_no_russian_in_a_raised_or_logged_text(self, folder: str) -> None:
        """A reader without Russian understands every line of a log. Facts for the Russian sentence may be Russian."""
        assert {name_of(path): texts for path in FOLDERS[folder] if (texts := russian_messages(path))} == {}

    def test_the_scan_finds_messages(self) -> None:
        """Otherwise the test above would hold for any tree."""
        assert sum(len(list(made_errors(path))) for path in FILES) > 150
        assert sum(len(list(logged(path))) for path in FILES) > 20


class TestProblems:
    @pytest.mark.parametrize("folder", FOLDERS)
    def test_an_error_that_stops_has_a_problem(self, folder: str) -> None:
        """An operator must act on it, so there is a Russian sentence that says how."""
        stopping = ((path, made) for path in FOLDERS[folder] for made in made_errors(path) if needs_a_problem(made))
        assert [f"{name_of(path)}:{made.lineno}" for path, made in stopping if problem_of(made) is None] == []

    @pytest.mark.parametrize("folder", FOLDERS)
    def test_a_sentence_gets_exactly_its_facts(self, folder: str) -> None:
        """The key is in a catalogue that this layer may use; no placeholder stays empty, no fact is in vain."""
        for path, made in ((one, made) for one in FOLDERS[folder] for made in made_errors(one)):
            if key := problem_of(made):
                place = f"{name_of(path)}:{made.lineno}: {key}"
                sentence = next((known[key] for known in catalogues_of(name_of(path)) if key in known), None)
                assert sentence is not None, f"{place} has no sentence"
                facts = {keyword.arg for keyword in made.keywords if keyword.arg} - NO_FACTS
                if not any(keyword.arg is None for keyword in made.keywords):  # facts from a mapping are not seen here
                    assert placeholders(sentence) == facts, place

    @pytest.mark.parametrize(
        ("name", "catalogue"),
        [
            ("common", COMMON),
            ("calls", calls_problems.PROBLEMS),
            ("smoke", smoke_problems.PROBLEMS),
            ("sales", sales_problems.PROBLEMS),
            ("ops", ops_problems.PROBLEMS),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_every_sentence_is_used(self, name: str, catalogue: Mapping[str, str]) -> None:
        users = [path for path in FILES if any(known is catalogue for known in catalogues_of(name_of(path)))]
        used = {text.value for path in users if path not in CATALOGUE_FILES for text in strings(tree_of(path))}
        assert catalogue.keys() - used == set(), name

    def test_no_key_has_two_sentences(self) -> None:
        """An area's sentence would hide the common one."""
        assert (
            COMMON.keys()
            & (calls_problems.PROBLEMS.keys() | smoke_problems.PROBLEMS.keys() | sales_problems.PROBLEMS.keys())
            == set()
        )


def sentences(path: Path) -> list[tuple[int, str]]:
    """Texts of a catalogue with their lines; placeholders become `{}`. Keys, docstrings and formats are no texts."""
    tree = tree_of(path)
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                skipped |= {id(part) for key in keys if key for part in ast.walk(key)}
            case ast.Subscript(slice=part) | ast.FormattedValue(format_spec=ast.expr() as part):
                skipped |= {id(inner) for inner in ast.walk(part)}
            case ast.Compare() | ast.MatchValue():
                skipped |= {id(inner) for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.append((node.lineno, "".join(map(str, parts))))
            skipped |= {id(part) for part in node.values}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append((node.lineno, node.value))
    return [(line, text) for line, text in found if re.search(r"[^\W\d_]", text)]


# The keeper of PostgreSQL prints into its log.
COMMANDS = [
    path for path in FILES
    if name_of(path).startswith(("jobs/", "ops/")) and name_of(path) != "ops/one_machine/postgres_keeper.py"
]  # fmt: skip
SHOWN = {"echo", "secho", "print", "add_task", "status", "Table", "add_column"}


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


CODE = re.compile(
    r"`[^`]*`|\{[^}]*\}|\[/?\w*\]|%\w|\S*[_/=]\S*|--?\w[\w-]*|\b\w+\.\w[\w.]*|\b[A-Z0-9]{2,}\b|\b\w*\d\w*\b"
)


class TestOperatorsReadRussian:
    @pytest.mark.parametrize("path", CATALOGUE_FILES, ids=name_of)
    def test_no_english_in_a_catalogue(self, path: Path) -> None:
        """Latin letters are codes, settings, commands and names only."""
        foreign = {
            (line, word)
            for line, text in sentences(path)
            for word in re.findall(r"[A-Za-z]{2,}", CODE.sub(" ", text))
            if word not in NAMES
        }
        assert sorted(foreign) == []

    @pytest.mark.parametrize("path", COMMANDS, ids=name_of)
    def test_a_command_says_nothing_of_its_own(self, path: Path) -> None:
        """What `click`, `typer` and `rich` show comes from the catalogue; two English words in a literal do not."""
        shown: list[ast.expr] = []
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                shown += node.args if called(node) in SHOWN else ()
                shown += [keyword.value for keyword in node.keywords if keyword.arg == "help"]
        texts = [text.value for part in shown for text in strings(part)]
        assert [text for text in texts if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", text)] == []

    def test_the_catalogues_hold_what_operators_read(self) -> None:
        """The size of what is held by the test above."""
        counted = sum(bool(CYRILLIC.search(text)) for path in CATALOGUE_FILES for _, text in sentences(path))
        assert counted > 600
