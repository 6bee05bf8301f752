"""No reference leads nowhere: rules, decisions, headings and files that a text names are in this repository."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.prose import comments_and_docstrings
from tests.unit.repository.test_docs import anchors

TOPS = (
    "include", "plugins", "jobs", "ops", "dags", "simulators", "trials", "tests", "docs", "scripts", "playlists",
    "provider",
)  # fmt: skip
LONE_FILES = (
    "Makefile", "Dockerfile", "docker-compose.yaml", ".env.example", "pyproject.toml", "README.md", "README.ru.md",
    "CHANGELOG.md", "requirements.in", "requirements-dev.in", "airflow_settings.yaml",
)  # fmt: skip
TEXTS = {".py", ".sql", ".md", ".yaml", ".yml", ".j2", ".typ"}
DATA = "tests/data/"  # recorded from outside systems
ITSELF = Path(__file__).relative_to(ROOT).as_posix()

# Names from documents that are not in this repository
ELSEWHERE = re.compile(
    r"(?<![%\w])D\d{1,2}a?\b(?![%\d])|\bPRD\b|(?<![\w-])interface\.md\b|§"
    r"|(?<!Airflow )(?<!apache/airflow )\bissues? #?\d[\d.]*",
)
ADR = re.compile(r"\bADRs? (\d{4})\b")
ANCHORED = re.compile(r"\b(docs/[\w/.-]+\.md)#([\w-]+)")
PATH = re.compile(rf"(?<![\w/.<>-])((?:{'|'.join(TOPS)})/[\w./-]*[\w/])(?![\w<{{*%])")
FILE = re.compile(r"(?<![\w<>*}/.-])((?:[\w-]+/)*[a-z_][\w-]*\.(?:py|sql|md|j2|typ))\b(?![<{*])")


def files() -> list[str]:
    found = (
        path.relative_to(ROOT).as_posix() for top in TOPS for path in (ROOT / top).rglob("*") if path.suffix in TEXTS
    )
    return sorted([*LONE_FILES, *(name for name in found if not name.startswith(DATA))])


@cache
def repository() -> frozenset[str]:
    """Every file and folder, relative to the root."""
    inside = (path for top in TOPS for path in (ROOT / top).rglob("*") if "__pycache__" not in path.parts)
    return frozenset(path.relative_to(ROOT).as_posix() for path in inside) | {*TOPS, *LONE_FILES}


def exists(name: str) -> bool:
    """A path from the root, from a folder below it (`calls/steps/plan.py`), or without its suffix."""
    name = name.rstrip("/.")
    return any(
        known == ending or known.endswith(f"/{ending}") for known in repository() for ending in (name, f"{name}.py")
    )


def prose(name: str) -> Iterator[str]:
    if not name.endswith(".py"):
        yield (ROOT / name).read_text(encoding="utf-8")
        return
    for _, text in comments_and_docstrings(ROOT / name):
        yield text


def wrong(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = set(ELSEWHERE.findall(text))
    found |= {f"ADR {number}" for number in ADR.findall(text) if not list((ROOT / "docs/adr").glob(f"{number}-*.md"))}
    for said in prose(name):
        found |= {
            f"{page}#{anchor}"
            for page, anchor in ANCHORED.findall(said)
            if not (ROOT / page).exists() or anchor not in anchors(ROOT / page)
        }
        found |= {path for path in [*PATH.findall(said), *FILE.findall(said)] if not exists(path)}
    return found


def test_every_reference_leads_to_something_in_this_repository() -> None:
    assert {name: found for name in files() if name != ITSELF and (found := wrong(name))} == {}


@pytest.mark.parametrize(
    "text", ["(D16)", "by D25's rounding", "PRD 8", "interface.md", "§ 4", "issue 3.1", "issues 4", "issue #12"]
)
def test_a_name_from_elsewhere_is_found(text: str) -> None:
    assert ELSEWHERE.search(text)


@pytest.mark.parametrize("text", ["%D0%B7", "3D", "apache/airflow#70368", "Airflow issue 45636", "an issue"])
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert not ELSEWHERE.search(text)
