"""Russian sentences for errors raised in `include/calls`, `plugins/calls` and `jobs`, by the error's `problem`."""

from include.common import problems
from include.common.errors import ExportError

PROBLEMS: dict[str, str] = {
    "airflow_is_down": "Airflow не отвечает по адресу {address}: запустите его, make up",
    "airflow_refuses": "Airflow не выполнил запрос: HTTP {status}; причина в var/main/logs/api-server.log",
    "airflow_refuses_parameters": "Airflow не принял параметры запуска: сверьте их с таблицей параметров runbook",
    "bad_parameter": "параметр {name} задан неверно: допустимые значения — в таблице параметров runbook",
    "lost_sight_of_run": "Airflow или PostgreSQL не отвечает; {dag_run_id}, возможно, идёт и без этой команды",
    "no_storage": "в подключении хранилища нет ни папки, ни бакета: задайте LOCAL_STORAGE_DIR или S3_BUCKET",
    "no_such_run": "запуска {run_id} нет в call_exports: возьмите run_id оттуда или из отчёта",
    "not_through_make": "не задана {name}: вызывайте через make, например make export или make resume",
    "qa_columns": "в таблице нужны столбцы {columns}: возьмите её командой make qa RUN_ID=... OUT=файл.csv",
    "qa_issue_without_comment": "{where}: к замечанию (issue) нужен comment: что не так",
    "qa_long_comment": "{where}: в комментарии {length} знаков, помещается {most}",
    "qa_no_result": "{where}: есть comment, но нет result: впишите ok или issue",
    "qa_no_run_id": "{where}: {text} — не run_id",
    "qa_no_table": "файл не читается как таблица CSV: сохраните его из таблицы в формате CSV",
    "qa_no_text": "файл не текстовый: сохраните его из таблицы в формате CSV",
    "qa_twice": "{where}: эта запись уже есть, смотрите {first}",
    "qa_two_runs": "{where}: другой запуск, чем в строке #2: одна таблица — один запуск",
    "qa_unknown_result": "{where}: result {result} — не ok и не issue",
    "replay_of_no_run": "replay_dlq задаётся вместе с resume_run_id: чьи записи вернуть из DLQ",
    "resume_of_no_run": "--resume и --replay-dlq задаются вместе с --run-id: какой запуск продолжить",
    "two_keys": "ключ в заголовке Idempotency-Key и в поле idempotency_key разный: нужен один",
}


def sentence(error: ExportError) -> str:
    """What an operator reads of the error: one Russian sentence without a full stop at its end."""
    return problems.sentence(error, PROBLEMS)
