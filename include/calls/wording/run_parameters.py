"""Russian words of the run parameters: Airflow's form, `--help`, the tables in the runbook and the DAG's manual."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParameterText:
    """`empty` says what is taken if nothing is given; without it the parameter's own default is shown."""

    title: str
    help: str
    empty: str = ""


MOMENT = "2025-08-01, 2025-08-01T10:00:00+03:00, today или today-60d; UTC, если смещение не указано"

PARAMETERS: dict[str, ParameterText] = {
    "period_from": ParameterText("Начало периода", MOMENT, "today-60d"),
    "period_to": ParameterText("Конец периода, включительно", MOMENT, "сейчас"),
    "generate_summary": ParameterText("Саммари и теги", "увеличивает стоимость; нужен и CALL_SUMMARY_ENABLED=true"),
    "dry_run": ParameterText("Только прогноз", "ничего не скачивать и не тратить"),
    "low_rate": ParameterText("Щадить портал", "0,5 запроса в секунду"),
    "allow_long_period": ParameterText("Разрешить период длиннее 90 дней", "столько портал обещает хранить записи"),
    "limit_calls": ParameterText(
        "Не больше записей", "проба; 0 — все; реестр и отчёт с _trial в имени, полных не заменяют"
    ),
    "resume_run_id": ParameterText(
        "Продолжить запуск", "взяться за всё незаконченное запуска с этим run_id; период прежний", "новый запуск"
    ),
    "replay_dlq": ParameterText("Вернуть из DLQ", "вместе с resume_run_id; записи, отложенные после суток неудач"),
    "deliver_texts": ParameterText(
        "Сложить тексты в папку периода", "копии текстов и саммари рядом с реестром", "да, кроме запусков по расписанию"
    ),
    "deliver_audio": ParameterText("Сложить туда и аудио", "копии записей в raw/ папки периода"),
    "idempotency_key": ParameterText(
        "Ключ идемпотентности", "повтор с тем же ключом ничего не создаёт; до 128 знаков", "новый запуск"
    ),
}

RETENTION_DRY_RUN = ParameterText("Только посчитать", "ничего не удалять; сколько чего ушло бы — в Note и в retention/")


def description(name: str) -> str:
    """Below the field of Airflow's form, and in `--help`."""
    text = PARAMETERS[name]
    return f"{text.help}. Пусто: {text.empty}" if text.empty else text.help


def in_table(name: str) -> str:
    text = PARAMETERS[name]
    return f"{text.title[:1].lower()}{text.title[1:]}: {text.help}"
