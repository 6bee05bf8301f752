"""What stands in the report beside its verdict: days, money, decisions, flags, limits, QA; and pictures that agree."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.calls.domain.swapped_channels import SwappedLine
from include.calls.reporting.report import render_report
from tests.kit.paths import ROOT
from tests.unit.calls.reporting.report_samples import FOLDER, GOOD, RUN, SETTINGS, failing
from tests.unit.calls.reporting.test_report import report


def rows_of(text, heading, first):
    """Cells of the table below a heading, the rows whose first cell begins so."""
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_each_day_adds_up_and_its_texts_are_its_files():
    text = report(replace(GOOD, files={GOOD.days[0].day: 100, GOOD.days[1].day: 99})).markdown
    days = rows_of(text, "По дням", "0")
    assert [row[0] for row in days] == ["01.08.2025", "02.08.2025"]
    for row in days:
        calls, *parts = map(int, row[1:7])
        assert calls == sum(parts)
    assert [row[6:9] for row in days] == [["100", "100", "100,0 %"], ["100", "99", "100,0 %"]]
    assert "Не сходится: текстов 200, файлов 199." in text
    assert "Сходится: текстов 200, файлов 200." in report().markdown


MOSCOW = timezone(timedelta(hours=3))


def in_moscow(figures):
    settings = replace(SETTINGS, zone=MOSCOW)
    return render_report(figures, settings, folder=FOLDER, mask=str).markdown


def test_one_zone_for_all_days_and_times():
    """The zone is named once, every time is in it; the period keeps its UTC borders."""
    text = in_moscow(failing())
    stated = "Дни и время в отчёте — UTC+03:00; границы периода — UTC, поэтому крайние дни неполные."
    assert text.count(stated) == 1
    assert "| Период | 01.08.2025 00:00 — 02.08.2025 23:59 UTC, включительно |" in text
    assert "| Начало | 03.08.2025 05:00 |" in text
    assert "| Отчёт составлен | 03.08.2025 09:00 |" in text
    assert "согласован, 01.08.2025 12:30," in text
    assert "| 01.08.2025 12:30 | 1:05 |" in text, "a flagged recording"
    assert rows_of(text, "Время", "скачивание")[0][1] == "03.08.2025 05:00"
    assert rows_of(text, "Очередь разбора (DLQ)", "`")[0][3] == "01.08.2025 12:30"
    assert text.count("UTC") == text.count("UTC+03:00") + 2


def test_a_period_of_utc_days_touches_one_more_day_elsewhere():
    rows = rows_of(in_moscow(GOOD), "По дням", "0")
    assert [row[0] for row in rows] == ["01.08.2025", "02.08.2025", "03.08.2025"]


def test_a_zone_of_the_readers_choice_is_named():
    settings = replace(SETTINGS, zone=ZoneInfo("Europe/Moscow"))
    text = render_report(GOOD, settings, folder=FOLDER, mask=str).markdown
    assert "Дни и время в отчёте — Europe/Moscow;" in text


def test_in_utc_no_day_is_cut():
    assert "Дни и время в отчёте — UTC; границы периода — UTC." in report().markdown


def test_the_pictures_show_what_the_table_by_days_says():
    from matplotlib.figure import Figure

    from include.calls.reporting import pictures
    from include.calls.reporting import report_tables as tables

    figures = failing()
    days = tables.every_day(figures, UTC)
    names = [str(day.day) for day in days]
    drawn = {}
    for paint in (pictures._minutes, pictures._money, pictures._statuses):
        axes = Figure().add_subplot()
        paint(axes, names, days)
        bars = [[bar.get_height() for bar in container] for container in axes.containers]
        drawn[paint.__name__] = [sum(of_day) for of_day in zip(*bars, strict=True)]
    table = tables.days(figures, UTC)
    assert drawn["_statuses"] == [int(row[1]) for row in table]
    assert drawn["_minutes"] == [float(row[9].replace(",", ".")) for row in table]
    assert drawn["_money"] == [float(day.cost) for day in days]


def test_no_bar_is_cut_off_by_the_edge_of_its_picture():
    """The second day has nothing reused: an empty bar stands on top of what was bought."""
    from matplotlib.figure import Figure

    from include.calls.reporting import pictures

    days = [replace(GOOD.days[0], cost=Decimal("0.063"), spent=Decimal(0)),
            replace(GOOD.days[1], cost=Decimal("0.081"), spent=Decimal("0.081"))]  # fmt: skip
    axes = Figure().add_subplot()
    pictures._money(axes, ["1", "2"], days)
    pictures._dress(axes, "money", 2)
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 0.085


def test_what_people_decided_and_paid_is_in_the_report():
    text = report(failing("аналитик 1")).markdown
    assert "| Согласовано человеком | 70,0000 | 7 000,00 |" in text
    assert "| Бюджет | 70,0000 USD: согласован, 01.08.2025 09:30, решение: аналитик 1 |" in text
    assert "| — из них саммари и теги | 0,1000 | 10,00 |" in text
    assert "| — из них распознавание | 0,8000 | 80,00 |" in text
    assert "| Прогноз: минут к покупке | 200 |" in text
    assert "согласования не понадобилось" in report().markdown
    refused = replace(RUN, decision="refused", decided_by="owner", decided_at=RUN.started_at)
    assert "не согласован, 03.08.2025 02:00, решение: owner" in report(replace(GOOD, run=refused)).markdown


def test_what_was_not_heard_and_how_sure_the_model_is():
    totals = replace(
        GOOD.totals, much_not_sent=3, partly_unheard=1, with_confidence=150, confidence=Decimal("0.78"), unsure=12
    )
    text = report(replace(GOOD, totals=totals)).markdown
    assert (
        "- Распознавателю не отправлено больше половины звука: записей 3 из 200; звук между репликами не отправлен, "
        "похож на музыку: 1." in text
    )
    assert "- Уверенность модели: в среднем 78 % по 150 текстам; не уверена в 12." in text
    assert "- Уверенности в текстах модель не сообщает." in report().markdown


def test_swapped_channels_are_advised_with_what_mends_them():
    swapped = [(SwappedLine("+74950000009", calls=20, swapped=18), "right")]
    text = report(replace(GOOD, swapped=swapped)).markdown
    assert "На линии +74950000009 похоже перепутаны каналы: в 18 из 20 входящих" in text
    assert 'stt.channel_map: "+74950000009": right, затем make rebuild' in text
    assert f"RUN_ID={RUN.run_id} LINE=+74950000009" in text


def test_flagged_texts_are_named_with_their_figures():
    figures = failing("call-7")
    text = report(replace(figures, totals=replace(figures.totals, flagged=3))).markdown
    assert rows_of(text, "Требуют проверки", "`call-7`") == [
        ["`call-7`", "01.08.2025 09:30", "1:05", "повтор одних и тех же слов, call-7", "412", "43 %"]
    ]
    assert "Ещё 2 — в реестре, needs_review = true." in text


def test_the_portals_limits_are_in_the_report():
    text = report(failing("disk.file.get")).markdown
    assert "Отказов портала по скорости: 12, переходов на щадящий режим: 1." in text
    assert rows_of(text, "Лимиты портала", "`disk") == [["`disk.file.get`", "212,5 с"]]
    assert "Весь запуск шёл в щадящем режиме" in report(replace(GOOD, run=replace(RUN, low_rate=True))).markdown


def test_findings_have_the_analysts_names():
    text = report(failing("роли перепутаны")).markdown
    assert "Проверено 1 из 1: в порядке 0, с замечаниями 1 (100,0 %). Проверяли: роли перепутаны." in text
    assert "| замечание: роли перепутаны |" in text
    assert "Проверено 0 из 1." in report().markdown


def test_the_templates_that_the_report_recommends_are_there():
    text = report().markdown.split("## Дальше с текстами")[1].split("## ")[0]
    root = ROOT
    named = [name for name in text.replace("\\", "").split() if name.startswith("docs/prompts/")]
    assert len(named) == 3
    assert all((root / name.rstrip(".,")).is_file() for name in named)
