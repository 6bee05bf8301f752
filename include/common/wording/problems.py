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

_NEW_WEBHOOK = (
    "создайте входящий вебхук заново и впишите номер пользователя и токен в B24_WEBHOOK_USER_ID и B24_WEBHOOK_TOKEN"
)
_OWNER_ROLE = (
    "выдайте роли владельца право «Статистика звонков: просмотр — любые» в настройках телефонии"
    " или передайте вебхук администратору"
)
_DATES = "принимаются день (2025-08-31), момент (2025-08-31T19:23:45+03:00; без смещения — по UTC), today и today-60d"
_BUCKET = (
    "проверьте S3_BUCKET, S3_REGION и ключи;"
    " ключам нужны права s3:ListBucket, s3:GetObject, s3:PutObject и s3:DeleteObject"
)

PROBLEMS: dict[str, str] = {
    # raised in include/common
    "statement_took_too_long": "база данных не успела ответить на запрос: повторите позже",
    "not_a_key": "BACKUP_KEY — не ключ: его печатает make backup-key",
    "seal_broken": "{name}: испорчено, обрезано или закрыто другим ключом; не используется",
    "schema_missing": "в базе нет таблиц системы, или они старые: выполните миграции: make up,"
    " а в Airflow, который здесь уже был, — airflow call-export migrate",
    # raised in plugins/hooks and plugins/airflow_kit
    "airflow_does_not_answer": "REST API Airflow не отвечает: проверьте адрес",
    "airflow_refuses_login": "Airflow не принимает вход: HTTP {status}",
    "no_erasure_key": "в соединении {connection} нет пароля: это ключ, по которому узнаются стёртые звонки",
    "no_portal": "портал не настроен: задайте B24_BASE_URL, B24_WEBHOOK_USER_ID и B24_WEBHOOK_TOKEN",
    "foreign_pool": "пул {pool} уже есть и не наш: во всех компонентах Airflow задайте CALL_EXPORT_ID_PREFIX",
    "no_job": "команды {job} нет; есть `deliver`, `rebuild`, `replay`, `qa`, `audit`, `hold` и другие из docs/runbooks",
    "no_state_connection": "нет подключения {connection}: создайте его в Airflow (Admin → Connections)",
    "policy_variable": "переменная Airflow {name}: нужен объект JSON, имена настроек и значения",
    "wrong_state_schema": "схема базы состояния {found}, а нужна {wanted}: её обновит make up, в Airflow, который здесь"
    " уже был, — airflow call-export migrate",
    # raised in include/common/policy_file.py
    "policy_unreadable": "файл {file} не читается: его нет, нет прав, или это не YAML с разделами",
    "policy_unknown_field": "{where}: такой настройки нет или её значение не подходит",
    "policy_value": "{where}: значение {value} не подходит, нужно: {accepted}",
    # raised in include/clients/language_models
    "llm_bad_address": "у провайдера {provider} негодный адрес или прокси: проверьте его подключение",
    "llm_bad_table": "таблица провайдеров не принята: {where}: {reason}",
    "llm_day_spent": (
        "языковые модели сегодня (UTC) стоили {spent} USD из {ceiling} (LLM_DAILY_BUDGET_USD): "
        "до полуночи UTC запросов нет"
    ),
    "llm_no_route": "в таблице провайдеров нет задачи {task}",
    "llm_no_provider": "провайдера {provider} в таблице нет; есть {known}",
    "llm_none": "для задачи {task} некого спросить: {providers}",
    "llm_none_now": "для задачи {task} сейчас некого спросить: {providers}; задача повторится сама",
    "llm_not_installed": "пакеты языковых моделей не установлены: make install-models",
    "llm_table_changed": "таблицу провайдеров уже изменили ({actor}): теперь версия {version}",
    # raised in include/clients/postgresql
    "database_in_use": "базой {database} пользуются: остановите систему (make down) и закройте другие соединения",
    "no_database_server": "сервер базы не отвечает: проверьте его адрес, имя и пароль в DATABASE_URL",
    "no_postgres_tool": "нет программы {tool} PostgreSQL {major} или новее: поставьте его пакет клиента",
    "no_scratch_database": "пользователь базы не может создать базу для проверки копий: дайте ему CREATEDB",
    # raised in plugins/hooks/sales_sources.py, jobs/sales.py and the steps of sales
    "gmail_client_file": "{name} — не файл OAuth-клиента Google: нужен JSON клиента для компьютера из консоли Google",
    "gmail_no_refresh_token": "Google не дал токен обновления: отзовите доступ приложения в аккаунте и повторите",
    "sales_no_day": "{text} — не день; пишите 2026-11-01",
    "sales_period_empty": "период с {first} по {last} пуст: первый день позже последнего",
    "sales_unknown_source": "источника {source} нет: есть qtickets, vk_ads, direct и gmail",
    "source_off": "источник {source} не настроен: задайте его переменные в .env",
    # raised in include/clients/clickhouse
    "warehouse_access": "ClickHouse не пускает ({reason}): проверьте CH_USER, CH_PASSWORD и права, make sales-migrate",
    "warehouse_away": "ClickHouse не отвечает: проверьте, что сервер работает, CH_HOST и CH_PORT",
    "warehouse_busy": "ClickHouse занят или не успел ответить ({reason}): повторится само",
    "warehouse_database_name": "CH_DATABASE: {database} не годится как имя базы",
    "warehouse_full": "ClickHouse не принимает записи ({reason}): освободите место или снимите режим только для чтения",
    "warehouse_refused": "ClickHouse отказал в запросе ({reason}): смотрите лог",
    "warehouse_schema": "в ClickHouse нет нужной таблицы или колонки: make sales-migrate; {reason}",
    # raised in include/clients/bitrix24
    "webhook_unknown": f"портал не знает этот вебхук: {_NEW_WEBHOOK}",
    "webhook_refused": f"портал не принимает этот вебхук: {_NEW_WEBHOOK}",
    "webhook_expired": f"срок вебхука истёк: {_NEW_WEBHOOK}",
    "webhook_owner_barred": "владельцу вебхука нельзя им пользоваться: передайте вебхук администратору портала",
    "webhook_lacks_scope": "у вебхука нет права {scope}: отметьте его в настройках вебхука на портале",
    "portal_refuses_webhook": "портал отказывает вебхуку: проверьте его токен и права",
    "owner_lacks_statistics": f"владельцу вебхука не видна статистика звонков: {_OWNER_ROLE}",
    "owner_lacks_right": "у владельца вебхука нет права {scope}: выдайте его или передайте вебхук администратору",
    "owner_sees_own_calls": f"владельцу вебхука видны только свои звонки или звонки своего отдела: {_OWNER_ROLE}",
    "owner_sees_no_others": (
        f"владелец вебхука не видит ни одного звонка других сотрудников за {{days}} дней: {_OWNER_ROLE}"
    ),
    "portal_transcripts_denied": (
        "stt.reuse_portal_transcripts включён, но расшифровки портала владельцу вебхука недоступны: включите на портале"
        " обработку звонков ИИ, дайте владельцу право читать CRM или выключите настройку"
    ),
    "method_for_applications": (
        "портал разрешает метод {method} только приложениям, а не вебхукам; передайте журнал задачи разработчику"
    ),
    "portal_deleted": "портал удалён",
    "portal_moved": "портал переехал на {host}: проверьте этот адрес и впишите его в B24_BASE_URL",
    "portal_api_blocked": (
        "REST API портала заблокирован из-за перегрузки: попросите поддержку Bitrix24 снять блокировку"
    ),
    "portal_needs_https": "портал принимает только https: B24_BASE_URL должен начинаться с https://",
    "portal_lacks_method": "портал не знает метод {method}: проверьте, установлен ли его модуль",
    "portal_has_no_api": "по этому адресу нет REST API портала: проверьте B24_BASE_URL",
    "portal_plan_without_api": "на тарифе портала нет REST API: нужен коммерческий тариф",
    "portal_rejects_request": "портал не понял запрос; передайте журнал задачи разработчику",
    "portal_unknown_form": "портал ответил на {method} в неизвестной форме; передайте журнал задачи разработчику",
    "portal_ignores_filter": (
        "портал прислал звонок не из запрошенного периода, то есть не учёл фильтр; передайте журнал задачи разработчику"
    ),
    "portal_total_differs": (
        "портал насчитал за период {total} звонков, а прислал {listed}: повторите запуск позже;"
        " если не поможет, передайте журнал задачи разработчику"
    ),
    "bad_webhook_user": "B24_WEBHOOK_USER_ID — это число между /rest/ и токеном вебхука",
    "bad_webhook_token": "B24_WEBHOOK_TOKEN — это только токен вебхука: буквы и цифры, без косых черт",
    "bad_portal_url": "B24_BASE_URL должен иметь вид https://company.bitrix24.ru, с /rest в конце или без",
    # raised in include/clients/openai
    "no_recogniser": (
        "распознаватель не настроен: задайте OPENAI_API_KEY или, для своего сервера, OPENAI_BASE_URL"
        " и перезапустите: make down, make up"
    ),
    "bad_openai_key": "в OPENAI_API_KEY есть символы, каких в ключах не бывает: похоже, скопировано лишнее",
    "bad_openai_address": (
        "CHATGPT_PROXY_URL или OPENAI_BASE_URL (у запасной модели — STT_FALLBACK_PROXY_URL или STT_FALLBACK_BASE_URL) "
        "— не адрес вида http://user:password@host:port"
    ),
    "service_refuses_key": "сервис не принимает ключ: проверьте его",
    "model_out_of_money": (
        "на счёте языковой модели нет средств или достигнут лимит трат: пополните счёт и продолжите запуск"
    ),
    "model_denies_access": "языковая модель отказывает: проверьте OPENAI_API_KEY и его право на SUMMARY_MODEL",
    # raised in include/clients/storage
    "no_bucket": "в подключении хранилища нет бакета: задайте S3_BUCKET",
    "no_storage_folder": "в подключении хранилища нет папки: задайте LOCAL_STORAGE_DIR",
    "two_storages": "в подключении {connection} и папка, и бакет: оставьте одно",
    "folder_not_writable": "в папку {folder} нельзя писать: проверьте LOCAL_STORAGE_DIR, права и место на диске",
    "bucket_missing": f"бакета {{bucket}} нет: {_BUCKET}",
    "bucket_denied": f"доступ к бакету {{bucket}} запрещён: {_BUCKET}",
    "bucket_unknown_key": f"S3 не знает ключ доступа к бакету {{bucket}}: {_BUCKET}",
    "bucket_wrong_secret": f"секретный ключ для бакета {{bucket}} не подходит: {_BUCKET}",
    "bucket_expired_key": f"срок ключей для бакета {{bucket}} истёк: {_BUCKET}",
    "bucket_other_region": f"бакет {{bucket}} в другом регионе: {_BUCKET}",
    "bucket_encryption": (
        "бакет {bucket} не принимает объекты с шифрованием {encryption}: задайте в S3_ENCRYPTION (и S3_KMS_KEY_ID) то,"
        " что умеет сервер; bucket — как настроен сам бакет"
    ),
    "bucket_write_denied": (
        "запись в бакет {bucket} запрещена: у ключа нет права s3:PutObject, или политика бакета требует другого"
        " шифрования, чем {encryption} (S3_ENCRYPTION, S3_KMS_KEY_ID)"
    ),
    "s3_role_method": "роль в подключении хранилища получается способом {method}: поддерживается только assume_role",
    "bucket_unusable": "бакет {bucket} не отвечает как надо: проверьте S3_BUCKET, S3_ENDPOINT_URL и сеть",
    # raised in include/clients by the sources of sales and advertising
    "source_refuses_access": "{source} не принимает доступ: обновите {settings} и проверьте, что он не отозван",
    "source_lacks_right": "{source}: у доступа нет нужного права: проверьте права у {settings}",
    "source_rejects_request": "{source} не понял запрос {operation}; передайте журнал задачи разработчику",
    "source_bad_address": "{source}: адрес API в подключении — не https-адрес без имени и пароля",
    "source_loses_body": (
        "{source} отвечает без фильтра и страниц: тело запроса теряется по дороге, скорее всего в прокси; уберите его"
    ),
    "source_ignores_filter": "{source} прислал не то, что запрошено; передайте журнал задачи разработчику",
    "source_changed_form": "{source}: в ответе нет полей {fields}; передайте журнал задачи разработчику",
    "source_account_gone": "{source}: кабинета нет или доступа к нему больше нет: проверьте список кабинетов",
    "vk_token_limit": (
        "у VK Ads уже пять живых токенов этого клиента, шестого он не даст:"
        " удалите лишние в кабинете или отзовите все и повторите"
    ),
    "vk_legacy_needs_accounts": "прежнему API VK нужны номера кабинетов: задайте VK_ACCOUNT_IDS",
    "mail_access_ended": (
        "Gmail не пускает: согласие отозвано или истекло (у приложения в режиме Testing — через 7 дней);"
        " получите новый токен: make sales-gmail-token"
    ),
    "mail_bad_credentials": "{file} — не файл клиента OAuth и не ключ сервисного аккаунта Google, или его нет",
    # raised in include/clients/mail
    "mail_login": "почтовый сервер {host} не принимает имя или пароль из SMTP_URL",
    "mail_unusable": "почтовый сервер {host}:{port} не отвечает: проверьте SMTP_URL (`smtp` или `smtps`, порт)",
    # raised in include/common
    "certificate_unknown_authority": (
        "{host}: сертификат выдан удостоверяющим центром, которого система не знает: это свой сервер компании или"
        " прокси, который вскрывает TLS. Сертификат этого центра (PEM) — в файл, его путь — в CA_BUNDLE, затем"
        " make down и make up"
    ),
    "certificate_dates": (
        "{host}: срок сертификата истёк или ещё не начался: его меняет владелец сервера; проверьте и часы этой машины"
    ),
    "certificate_other_name": "{host}: сертификат выдан на другое имя: проверьте адрес в настройках",
    "bad_recording_host": "RECORDING_HOSTS: {name} — не имя вида host или host:port",
    "period_not_a_date": f"{{name}}: «{{written}}» — не дата; {_DATES}",
    "period_before_calendar": f"{{name}}: «{{written}}» — раньше начала календаря; {_DATES}",
    "period_in_future": f"period_from ({{start}}) в будущем; {_DATES}",
    "period_reversed": f"period_from ({{start}}) позже period_to ({{end}}); {_DATES}",
    "period_too_long": (
        "период с {start} по {end} длиннее {days} дней, на которые портал обещает хранить записи:"
        " сократите его или включите allow_long_period"
    ),
    # raised in include/speech
    "proxy_required": (
        "REQUIRE_PROXY включён, а прокси не задан: нужен CHATGPT_PROXY_URL, у запасной модели — STT_FALLBACK_PROXY_URL"
    ),
    "recogniser_out_of_money": (
        "на счёте распознавателя нет средств или достигнут лимит трат: пополните счёт и продолжите запуск"
    ),
    "recogniser_refuses_key": "распознаватель не принимает ключ: проверьте OPENAI_API_KEY, а для отдельного сервиса "
    "запасной модели — STT_FALLBACK_API_KEY",
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
