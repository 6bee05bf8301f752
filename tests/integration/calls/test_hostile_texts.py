"""95 texts that callers may say, recognised word for word, and a language model that obeys them.

Nothing of it acts or leaks in summary, tags, registry, report, log or journal: through the real steps, as a run does.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from markdown_it import MarkdownIt

from include.calls.steps.summarize import summarize_batch
from include.clients.openai.chat_completion import LanguageModel
from include.common.spreadsheet_cells import without_mark
from include.common.wording.personal_data import MARKS
from tests.conftest import PostgresServer
from tests.kit.paths import DATA
from tests.kit.small_world import world_of
from tests.kit.whole_export import Export, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

TEXTS: dict[str, list[str]] = json.loads((DATA / "hostile_texts.json").read_text())
IN_ONE_CALL = {"phones": 4, "addresses": 4, "active": 2, "formulas": 1, "orders": 1}


def calls() -> Iterator[str]:
    """What is said in each call. Half a character cannot come through HTTP."""
    for kind, texts in TEXTS.items():
        some = IN_ONE_CALL[kind]
        for at in range(0, len(texts), some):
            yield ". Ещё раз: ".join(texts[at : at + some]).encode(errors="replace").decode()


SAID = list(calls())
CONTACTS = re.compile(r"999\D{0,9}765|765-43-21|76-54-32|7946|девятьсот|шестьдесят|@mail|client[_. ]", re.I)
MARK = re.compile(rf"(?:{'|'.join(map(re.escape, MARKS.values()))})(?![(\[:])")  # where it begins no link
ACTING = re.compile(r"[<>\[\]{}`|\\*\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")


@dataclass(frozen=True)
class Published:
    """What one run over all hostile texts has left behind."""

    rows: list[dict[str, Any]]
    registry: list[dict[str, str]]
    summaries: dict[str, str]
    transcripts: list[str]
    recognitions: list[str]
    report: str
    log: str
    journal: str
    charged: list[dict[str, Any]]


@pytest.fixture(scope="module")
def published(
    pg_server: PostgresServer, _migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    from tests.conftest import _create_database, _drop_database

    name = _create_database(pg_server, template=_migrated_template)
    settings = {"PII_MASKING_ENABLED": "true", "CALL_SUMMARY_ENABLED": "true"}
    folder, world = tmp_path_factory.mktemp("hostile"), world_of(len(SAID))
    with export_over(world, pg_server.get_uri(database=name), folder, **settings) as export:
        yield _publish(export)
    _drop_database(pg_server, name)


def _publish(export: Export) -> Published:
    said = iter(SAID)
    export.recogniser.says = lambda _model: next(said)
    export.recogniser.obedient = True
    outcome, batches = export.prepare(generate_summary=True)
    export.work(outcome, batches)
    assert outcome.red == []
    for batch in batches:
        _summarize(export, outcome.run_id, batch)
    export.close(outcome)
    files = {key: export.storage.get_bytes(key) for key in export.storage.keys("") if not key.startswith("raw/")}
    with psycopg.connect(export.conninfo, row_factory=psycopg.rows.dict_row) as connection:
        rows = connection.execute("SELECT * FROM call_records ORDER BY statistics_id").fetchall()
        journal = connection.execute("SELECT response FROM recognition_responses").fetchall()
        charged = connection.execute("SELECT * FROM charges WHERE purpose = 'summary'").fetchall()
    return Published(
        rows=rows,
        registry=list(csv.DictReader(io.StringIO(export.registry()), delimiter=";")),
        summaries={key: text.decode() for key, text in files.items() if key.startswith("summary/")},
        transcripts=[text.decode() for key, text in files.items() if key.startswith("transcripts/")],
        recognitions=[text.decode() for key, text in files.items() if key.startswith("recognition/")],
        report=next(text.decode() for key, text in files.items() if "/reports/summary_" in key and key.endswith(".md")),
        log=next(text.decode() for key, text in files.items() if "/logs/" in key),
        journal=json.dumps(journal, ensure_ascii=False),
        charged=charged,
    )


def _summarize(export: Export, run_id: UUID, batch: int) -> None:
    model = LanguageModel(
        api_key=export.recogniser.key, base_url=f"{export.recogniser_url}/v1", model="gpt-5-mini", proxy_url=None
    )
    with export.state() as state, model:
        summarize_batch(
            run_id, batch, language_model=model, storage=export.storage, state=state, policy=export.policy, fresh=True
        )


def kinds_of(markdown: str) -> set[str]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    return {token.type for token in [*tokens, *(child for token in tokens for child in token.children or [])]}


def test_every_text_was_said_and_summarised(published: Published) -> None:
    assert sum(map(len, TEXTS.values())) >= 50
    assert len(published.rows) == len(published.registry) == len(SAID)
    with_words = [row for row in published.rows if re.search(r"\w", row["text_preview"].partition("]: ")[2])]
    assert len(published.summaries) >= len(with_words) - 1
    assert all(charge["usd"] > 0 for charge in published.charged)
    assert len(published.charged) == published.journal.count('"cost"'), "each response is paid once"


def test_a_summary_is_our_headings_and_plain_lines(published: Published) -> None:
    for key, text in published.summaries.items():
        assert kinds_of(text) <= {
            "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "softbreak",
            "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "text_special",
        }, key  # fmt: skip
        body = text.partition("## Кратко")[2]
        assert CONTACTS.search(body) is None, text
        assert "evil.example" not in body, text
        assert not any(ACTING.search(MARK.sub("", line)) for line in body.splitlines()), text


def test_tags_are_words(published: Published) -> None:
    for row, cells in zip(published.rows, published.registry, strict=True):
        assert all(re.fullmatch(r"[\w -]{1,40}", tag) for tag in row["tags"]), row["tags"]
        assert len(row["tags"]) <= 5
        assert without_mark(cells["tags"]).split("|") == (row["tags"] or [""])
        assert CONTACTS.search(cells["tags"]) is None


def test_no_cell_of_the_registry_is_a_formula_or_shows_a_number(published: Published) -> None:
    for cells in published.registry:
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "＝")) for cell in cells.values()), cells
        assert CONTACTS.search(cells["text_preview"]) is None, cells["text_preview"]


def test_the_report_knows_nothing_of_what_was_said(published: Published) -> None:
    assert CONTACTS.search(published.report) is None
    assert {"html_block", "html_inline"} & kinds_of(published.report) == set()
    assert not any(text in published.report for kind in TEXTS.values() for text in kind if len(text) > 8)


def test_neither_log_nor_journal_holds_a_contact(published: Published) -> None:
    assert CONTACTS.search(published.log) is None
    assert CONTACTS.search(published.journal) is None


def test_a_masked_transcript_holds_no_contact_its_responses_do(published: Published) -> None:
    """With PII_MASKING_ENABLED: a text is rebuilt from the responses, so they keep every word."""
    assert not any(CONTACTS.search(text) for text in published.transcripts), "what people read"
    assert any(CONTACTS.search(text) for text in published.recognitions)
    assert "+79990000001" not in "".join(published.transcripts)
