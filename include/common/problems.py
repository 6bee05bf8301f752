"""The Russian sentence for an error: what an operator reads in a run's note, in Slack and at the command line.

A sentence comes from one catalogue whole; nothing is glued to the English message, which stays in the log. Each area
has a catalogue of its own and passes it in; here are the sentences for errors raised in `include/common`,
`include/clients` and `include/speech`, and one for each class of errors, for those that name no problem.
"""

from collections.abc import Mapping

from include.common.errors import (
    AccessDenied,
    BadInput,
    BudgetSpent,
    ContractBroken,
    ExportError,
    MissingAudio,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    StopRun,
    Temporary,
    Throttled,
)

PROBLEMS: dict[str, str] = {
    # raised in include/common
    "schema_missing": "в базе нет таблиц системы, или они старые: выполните миграции (их выполняет make up)",
    # raised in plugins/hooks and plugins/airflow_kit
    "airflow_does_not_answer": "REST API Airflow не отвечает: проверьте адрес",
    "airflow_refuses_login": "Airflow не принимает вход: HTTP {status}",
    "no_bucket": "в подключении хранилища нет бакета: задайте S3_BUCKET",
    "no_portal": "портал не настроен: задайте B24_BASE_URL, B24_WEBHOOK_USER_ID и B24_WEBHOOK_TOKEN",
    "no_recogniser": (
        "распознаватель не настроен: задайте OPENAI_API_KEY или, для своего сервера, OPENAI_BASE_URL"
        " и перезапустите: make down, make up"
    ),
    "no_storage_folder": "в подключении хранилища нет папки: задайте LOCAL_STORAGE_DIR",
    "wrong_state_schema": "схема базы состояния {found}, а нужна {wanted}: make up её обновит",
    # raised in include/clients
    "service_refuses_key": "сервис не принимает ключ: проверьте его",
    # raised in include/common/policy_file.py
    "policy_unreadable": "файл {file} не читается: его нет, нет прав, или это не YAML с разделами",
    "policy_unknown_field": "{where}: такой настройки нет или её значение не подходит",
    "policy_value": "{where}: значение {value} не подходит, нужно: {accepted}",
    # raised in include/speech
    "proxy_required": "REQUIRE_PROXY включён, а CHATGPT_PROXY_URL пуст: задайте прокси",
    "recogniser_out_of_money": (
        "на счёте распознавателя нет средств или достигнут лимит трат: пополните счёт и продолжите запуск"
    ),
    "recogniser_refuses_key": "распознаватель не принимает ключ: проверьте OPENAI_API_KEY",
    "recogniser_denies_access": (
        "распознаватель отказывает этому ключу или этой стране:"
        " проверьте права ключа, OPENAI_API_KEY и CHATGPT_PROXY_URL"
    ),
    "proxy_refuses": "прокси не принимает имя или пароль: проверьте CHATGPT_PROXY_URL",
    "unknown_stt_model": (
        "распознаватель не знает модель {model}, или по этому адресу его нет: проверьте STT_MODEL и OPENAI_BASE_URL"
    ),
}

# What a setting accepts, by the English description of its kind (`include/common/policy_file.py`).
ACCEPTED_VALUES: dict[str, str] = {
    "a share from 0 to 1": "доля от 0 до 1",
    "a number above zero": "число больше нуля",
    "a whole number above zero": "целое число больше нуля",
    "a sum above zero, such as 54 or 0.0045": "сумма больше нуля, например 54 или 0.0045",
    "true or false": "true или false",
    "a list, separated by commas": "список через запятую",
}

# The most specific class first.
CLASSES: tuple[tuple[type[ExportError], str], ...] = (
    (Throttled, "другая сторона просит подождать; система продолжит сама"),
    (Temporary, "временный сбой; система повторит сама, подробности в журнале задачи"),
    (MissingAudio, "ссылка на запись мертва; проверьте срок хранения записей на портале"),
    (Permanent, "записи с ошибкой: причина в журнале задачи и в колонке error_message"),
    (AccessDenied, "ключ или вебхук отклонён: проверьте ключ, срок и права; подробности в журнале задачи"),
    (
        QuotaExhausted,
        "на счёте распознавателя нет средств или достигнут лимит трат: пополните счёт и продолжите запуск",
    ),
    (BudgetSpent, "запуск потратил всё, что ему разрешено: продолжите запуск, и он спросит снова"),
    (NotConfigured, "настройка не задана или не подходит; какая — сказано в журнале задачи"),
    (ContractBroken, "другая сторона ответила в неизвестной форме; передайте журнал задачи разработчику"),
    (StopRun, "запуск остановлен; причина в журнале задачи"),
    (BadInput, "такой запрос выполнить нельзя; причина в журнале задачи"),
    (ExportError, "непредвиденная ошибка; передайте журнал задачи разработчику"),
)


def sentence(error: ExportError, *catalogues: Mapping[str, str]) -> str:
    """The sentence for the error's problem from the first catalogue that has it, `PROBLEMS` last; else its class's."""
    for catalogue in (*catalogues, PROBLEMS):
        if error.problem in catalogue:
            return catalogue[error.problem].format(**error.facts)
    return next(text for kind, text in CLASSES if isinstance(error, kind))
