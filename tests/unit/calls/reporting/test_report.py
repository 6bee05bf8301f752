"""What the report says follows from its figures, in both forms, and no text of a stranger becomes markup."""

import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from include.calls.domain.report_figures import PortalTrouble
from include.calls.domain.run_bars import Tried
from include.calls.domain.run_goals import assess
from include.calls.domain.states import RecordStatus
from include.calls.reporting.advice import recommendations
from include.calls.reporting.markdown import code, escaped
from include.calls.reporting.report import render_report
from tests.unit.calls.reporting.report_samples import FOLDER, GOOD, RUN, SETTINGS, TOTALS, failing

HOSTILE = [
    "<script>alert(1)</script>",
    "[link](https://evil.example)",
    "https://evil.example/a www.evil.example",
    "![](x.png) **b** _i_ ~~s~~ `c` &amp;",
    "| a | b |\n\n# heading\n- item\n1. one\n> quote",
    '#import "x.typ" $x^2$ #eval("1") @ref <label> \\ */',
    "=cmd|'/c calc'!A0",
]


def report(figures=GOOD):
    return render_report(figures, SETTINGS, folder=FOLDER, mask=lambda text: text.replace("79990000001", "***"))


def pdf_text(pdf: bytes, tmp_path: Path) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("needs the Debian package poppler-utils")
    (tmp_path / "report.pdf").write_bytes(pdf)
    return subprocess.run(
        ["pdftotext", "-layout", tmp_path / "report.pdf", "-"], check=True, capture_output=True, text=True
    ).stdout


def test_the_verdict_comes_first_and_the_numbers_follow():
    text = report().markdown
    assert (
        text.index("Выгрузка принята") < text.index("## Объём") < text.index("## По дням") < text.index("## Звонки без")
    )
    assert "| Минут распознано | 180,50 |" in text
    assert "| Потрачено этим запуском | 0,9000 | 90,00 |" in text
    assert "| Прогноз перед запуском | 0,9000 | 90,00 |" in text
    assert "Сходится: портал насчитал 220, в реестре 220." in text
    assert "2 ч 30 мин" in text


def test_a_run_below_the_bar_is_not_accepted():
    text = report(failing()).markdown
    assert "**Выгрузка не принята" in text
    assert "Не сходится: портал насчитал 221, в реестре 220." in text
    assert f"make resume RUN_ID={RUN.run_id}" in text
    assert "`stt_timeout`" in text


def test_a_stopped_run_says_so_first_whatever_its_texts():
    """The report is written before the run is closed, so it judges by the rule that is going to close it."""
    text = report(replace(GOOD, run=replace(RUN, stop="токен отозван, спросите 79990000001"))).markdown
    assert text.index("**Выгрузка остановлена.**") < text.index("## Что делать")
    assert "Итог запуска: error, остановлен: токен отозван, спросите \\*\\*\\*; тексты есть у 200 из 200" in text
    assert (
        f"Запуск остановлен, причина названа в итоге: исправьте её и продолжите: make resume RUN_ID={RUN.run_id}"
        in text
    )


def test_a_run_without_its_listing_is_not_finished():
    """Even if every known call has a text."""
    text = report(replace(GOOD, run=replace(RUN, failed_step="list_calls"))).markdown
    assert "**Выгрузка не закончена: не выполнен шаг list_calls.**" in text
    assert "Итог запуска: error, не выполнен шаг list_calls; тексты есть у 200 из 200" in text


def test_a_forecast_is_no_export_that_failed():
    nothing_bought = replace(TOTALS, spent=Decimal(0), cost=Decimal(0))
    figures = replace(GOOD, run=replace(RUN, dry_run=True), totals=nothing_bought, statuses={RecordStatus.PENDING: 220})
    text = report(figures).markdown
    assert "**Только прогноз: ничего не скачано и не потрачено.**" in text
    assert "Итог запуска: completed, прогноз готов" in text
    assert "make resume" not in text


def test_shared_rows_and_late_calls_are_in_the_proof():
    """Rows of one recording, and calls that came during the listing."""
    text = report(replace(GOOD, run=replace(RUN, portal_total=221, bad_rows=1, shared_rows=2))).markdown
    proof = "Сходится: портал насчитал 221, в реестре 220, непонятных строк 1, строк о той же записи 2."
    assert proof in text
    assert "Пока список читался, на портале прибавилось: 2." in text


@pytest.mark.parametrize(
    ("registered", "gone", "since", "line", "level"),
    [
        (220, 0, 0, "Сходится: в реестре 220 = 220 из списка этого запуска.", "good"),
        (217, 0, 3, "Сходится: в реестре 220 = 217 из списка этого запуска + 3 из более поздних.", "good"),
        (218, 2, 0, "Сходится: в реестре 220 = 218 из списка этого запуска + 2 с текстом, которых на портале уже нет.",
         "good"),
        (217, 0, 1, "Не сходится: в реестре 220 = 217 из списка этого запуска + 3 из более поздних.", "bad"),
        (222, 0, 5, "Не сходится: в реестре 220 = 222 из списка этого запуска − 2 из более поздних.", "bad"),
    ],
)  # fmt: skip
def test_the_registry_holds_what_the_run_registered(registered, gone, since, line, level):
    """And besides it only recordings that were first listed since."""
    totals = replace(TOTALS, gone=gone, came_since=since)
    figures = replace(GOOD, totals=totals, run=replace(RUN, portal_total=registered, registered=registered))
    text = report(figures).markdown
    assert f"Сходится: портал насчитал {registered}, в базе {registered}." in text
    assert line in text
    assert ("Реестр не сходится со списком этого запуска" in text) is (level == "bad")
    assert assess(figures, SETTINGS).level == level


def test_a_run_that_has_ended_does_not_judge_what_the_portal_deleted_since():
    ended = replace(RUN, portal_total=222, registered=222, finished_at=RUN.last_event_at)
    text = report(replace(GOOD, run=ended)).markdown
    assert "Сходится: портал насчитал 222, в базе 222." in text
    assert "из списка этого запуска" not in text


def test_the_markdown_shows_the_pictures_it_is_given():
    files = report()
    shown = [line.split("](")[1].rstrip(")") for line in files.markdown.splitlines() if line.startswith("![")]
    assert (
        shown == list(files.pictures) == [f"summary_{FOLDER}_{name}.png" for name in ("minutes", "money", "statuses")]
    )
    assert all(picture.startswith(b"\x89PNG") for picture in files.pictures.values())


def test_the_same_figures_draw_the_same_pictures():
    assert report().pictures == report().pictures


def test_the_pdf_has_cyrillic_fonts_of_its_own(tmp_path):
    text = pdf_text(report(failing()).pdf, tmp_path)
    for words in ("Выгрузка не принята", "Пропуски поимённо", "Очередь разбора", "Выборка для проверки качества"):
        assert words in text
    assert "�" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_strangers_is_text_in_markdown(text):
    """Rendered by GitHub's rules, the report has the same elements whatever the strings in it are."""
    markdown = MarkdownIt("gfm-like", {"html": True})

    def elements(figures):
        tokens = [
            token for block in markdown.parse(report_markdown(figures)) for token in (block, *(block.children or []))
        ]
        return [(token.type, token.attrGet("href")) for token in tokens if token.type not in ("text", "code_inline")]

    assert elements(failing(text)) == elements(failing("просто слова"))


def report_markdown(figures):
    return report(figures).markdown


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_reads_as_it_was(text):
    markdown = MarkdownIt("gfm-like", {"html": True})
    inline = markdown.parseInline(escaped(text))[0].children
    assert {token.type for token in inline} <= {"text"}
    assert "".join(token.content for token in inline) == " ".join(text.split())


def test_a_code_span_cannot_be_left():
    assert code("a`b|c\nd") == "`a'b\\|c d`"


def test_text_of_strangers_is_text_in_the_pdf(tmp_path):
    text = pdf_text(report(failing('#panic("x") *b* $x$ <l> @r')).pdf, tmp_path)
    assert '#panic("x") *b* $x$ <l> @r' in text


def test_phone_numbers_in_error_messages_are_masked(tmp_path):
    files = report(failing("нет ответа для 79990000001"))
    gaps = files.markdown.split("Пропуски поимённо")[1].split("## ")[0]
    assert "нет ответа для \\*\\*\\*" in gaps


def test_an_empty_run_still_makes_a_report(tmp_path):
    nothing = replace(TOTALS, **dict.fromkeys(TOTALS.__slots__, 0))
    nothing = replace(nothing, minutes=Decimal(0), cost=Decimal(0), spent=Decimal(0), audio_sec=Decimal(0))
    figures = replace(
        GOOD, totals=nothing, statuses={}, days=[], gap_groups=[], qa_sample=[], stages=[],
        run=replace(RUN, portal_total=0, forecast_cost=Decimal(0), started_at=None),
    )  # fmt: skip
    assert "Выгрузка принята" in report(figures).markdown


def test_all_goals_met_is_good_and_needs_nothing():
    assert assess(GOOD, SETTINGS).level == "good"
    assert recommendations(GOOD, SETTINGS) == ["Делать ничего не нужно: все записи с текстом, суммы и сроки в норме."]


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"statuses": {RecordStatus.COMPLETED: 99, RecordStatus.ERROR: 1}}, "good"),
        ({"statuses": {RecordStatus.COMPLETED: 98, RecordStatus.ERROR: 2}}, "bad"),
        ({"statuses": {RecordStatus.COMPLETED: 98, RecordStatus.PENDING: 2}}, "bad"),
        ({"statuses": {RecordStatus.COMPLETED: 98, RecordStatus.MISSING_AUDIO: 20}}, "good"),
        ({"run": replace(RUN, portal_total=221)}, "bad"),
        ({"run": replace(RUN, portal_total=221, bad_rows=1)}, "remarks"),
        ({"run": replace(RUN, portal_total=222, shared_rows=2)}, "good"),
        ({"run": replace(RUN, portal_total=223, bad_rows=1, shared_rows=2)}, "remarks"),
        ({"run": replace(RUN, portal_total=224, bad_rows=1, shared_rows=2)}, "bad"),
        ({"run": replace(RUN, portal_total=219)}, "good"),
        ({"tried": Tried(audio=100, newly_missing=10, texts=100, flagged_texts=50)}, "good"),
        ({"tried": Tried(audio=100, newly_missing=11)}, "bad"),
        ({"statuses": {RecordStatus.MISSING_AUDIO: 1}}, "remarks"),
        ({"run": replace(RUN, stop="нет прав")}, "bad"),
        ({"run": replace(RUN, failed_step="list_calls")}, "bad"),
        ({"run": replace(RUN, portal_total=None)}, "remarks"),
        ({"run": replace(RUN, limit_calls=5, portal_total=9000)}, "remarks"),
        ({"run": replace(RUN, forecast_cost=Decimal("0.7"))}, "remarks"),
        ({"totals": replace(TOTALS, audio_sec=Decimal("10840") * Decimal("1.0051"))}, "remarks"),
        ({"totals": replace(TOTALS, audio_sec=Decimal("10840") * Decimal("1.0049"))}, "good"),
        ({"totals": replace(TOTALS, duplicates=1)}, "remarks"),
    ],
)
def test_the_level_follows_the_goals(change, level):
    assert assess(replace(GOOD, **change), SETTINGS).level == level


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"totals": replace(TOTALS, flagged=3)}, "Прослушайте 3"),
        ({"totals": replace(TOTALS, late_expected=2)}, "2 разговора без записи".replace(" ", "\N{NO-BREAK SPACE}", 1)),
        ({"totals": replace(TOTALS, no_roles=150)}, "не видно, кто говорит"),
        ({"totals": replace(TOTALS, spent=Decimal("60"))}, "BUDGET_USD"),
        ({"run": replace(RUN, finished_at=RUN.started_at.replace(hour=9))}, "TRANSCRIBE_CONCURRENCY"),
        ({"trouble": PortalTrouble(11, 0)}, "LOW_RATE"),
        ({"run": replace(RUN, bad_rows=2, portal_total=222)}, "непонятные строки"),
        ({"dlq": failing().dlq}, "DLQ"),
        ({"qa_sample": failing().qa_sample}, "замечания у 1 из 1"),
        ({"files": {GOOD.days[0].day: 199}}, "нет файлов 1"),
    ],
)
def test_a_recommendation_appears_with_its_reason(change, words):
    assert any(words in sentence for sentence in recommendations(replace(GOOD, **change), SETTINGS))


def test_gaps_beyond_the_shown_ones_are_counted():
    assert "Ещё 9 — в реестре" in report(failing()).markdown


CALLS = "https://calls.example.com/airflow/plugin/calls"


def linked_report(text="плохо"):
    settings = replace(SETTINGS, calls_url=CALLS)
    return render_report(failing(text), settings, folder=FOLDER, mask=str)


def test_calls_and_the_run_lead_to_their_pages_by_ids_alone(tmp_path):
    """The sample's file, a gap, a drift, a flagged text, a dead letter, the run; in both forms."""
    made = linked_report()
    wanted = [*(f"{CALLS}/call/{number}" for number in range(1, 6)), f"{CALLS}/runs/{RUN.run_id}"]
    tokens = [token for block in MarkdownIt().enable("table").parse(made.markdown) for token in block.children or ()]
    assert sorted(token.attrs["href"] for token in tokens if token.type == "link_open") == sorted(wanted)
    assert [address for address in wanted if f"({address})".encode() not in made.pdf] == []


def test_without_an_address_for_people_nothing_is_a_link():
    made = report(failing())
    assert "](" not in made.markdown.replace("](summary_", "")
    assert b"/URI" not in made.pdf


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_strangers_text_inside_a_link_stays_text(hostile):
    tokens = [
        token for block in MarkdownIt().enable("table").parse(linked_report(hostile).markdown)
        for token in block.children or ()
    ]  # fmt: skip
    hrefs = [token.attrs["href"] for token in tokens if token.type == "link_open"]
    assert len(hrefs) == 6
    assert all(href.startswith(f"{CALLS}/") for href in hrefs)
