"""The summary's file: our headings, plain text, nothing of a stranger that acts."""

from datetime import datetime
from typing import Any

import pytest
from markdown_it import MarkdownIt

from include.calls.domain.summaries import CallSummary, checked_summary
from include.calls.reporting.summary_file import SummaryHeader, render_summary
from tests.unit.calls.domain.test_summaries import HOSTILE, MAX_TAGS, VOCABULARY, obedient, short


def header(**changes: Any) -> SummaryHeader:
    values: dict[str, Any] = {
        "call_id": "11018129443EB80D.1754478570.11438214",
        "record_id": "9079",
        "started_at": datetime.fromisoformat("2025-08-31T19:23:45+03:00"),
        "direction": "inbound",
        "employee": "1269 Оператор 12",
        "duration_sec": 425,
        "model": "gpt-5-mini",
        "prompt_version": "summary_v1",
    }
    return SummaryHeader(**values | changes)


@pytest.mark.parametrize("text", HOSTILE, ids=short)
def test_the_file_has_our_headings_and_plain_text(text: str):
    """The file is read by a real Markdown parser with HTML and link recognition on: as the worst viewer would."""
    file = render_summary(
        header(call_id=text[:60], employee=text[:60]), checked_summary(obedient(text), VOCABULARY, MAX_TAGS)
    )
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(file)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in [*tokens, *inline]}
    assert kinds <= {
        "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "softbreak",
        "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "text_special",
    }  # fmt: skip
    titles = [tokens[number + 1].content for number, token in enumerate(tokens) if token.type == "heading_open"]
    assert titles[1:] == ["Кратко", "Темы", "Возражения", "Следующие шаги", "Теги"]


def test_the_file_as_people_read_it():
    summary = CallSummary(
        "Клиент уточнил срок доставки.", ("срок доставки",), (), ("оператор перезвонит",), ("доставка", "заказ")
    )
    assert render_summary(header(), summary) == (
        "# Звонок 11018129443EB80D.1754478570.11438214\n"
        "\n"
        "- Запись: 9079\n"
        "- Начало: 2025-08-31T19:23:45+03:00\n"
        "- Направление: входящий\n"
        "- Сотрудник: 1269 Оператор 12\n"
        "- Длительность: 7 мин 05 с\n"
        "- Составила модель gpt-5-mini (summary_v1): важное сверяйте с текстом звонка\n"
        "\n"
        "## Кратко\n\nКлиент уточнил срок доставки.\n"
        "\n"
        "## Темы\n\n- срок доставки\n"
        "\n"
        "## Возражения\n\nнет\n"
        "\n"
        "## Следующие шаги\n\n- оператор перезвонит\n"
        "\n"
        "## Теги\n\nдоставка, заказ\n"
    )
