"""Every sentence that operators read from the launcher, in Russian.

Strings only and no imports: `ops/one_machine/bootstrap.py` reads them on any Python 3 before anything is installed.
"""

# Sentences for errors raised in `ops`, by the error's `problem`.
PROBLEMS = {
    "setting_missing": "{name}: не задано; нужно: {accepted} (образец — .env.example, значения — в .env)",
    "setting_unusable": "{name}: значение не подходит; нужно: {accepted}",
    "settings_encoding": "{file}: файл должен быть в кодировке UTF-8",
    "proxy_required": "CHATGPT_PROXY_URL: не задан, а REQUIRE_PROXY=true запрещает работать без прокси",
    "bucket_missing": "S3_BUCKET: не задан, а STORAGE_BACKEND=s3 хранит файлы в бакете",
    "s3_keys_apart": "S3_ACCESS_KEY_ID и S3_SECRET_ACCESS_KEY: задаются вместе или не задаются вовсе",
    "container_database": "DATABASE_URL: не задан, а в контейнерах база — отдельный сервер",
    "database_reserved": "DATABASE_URL: база {database} занята самим Airflow; назовите базу иначе",
    "database_right": "DATABASE_URL: пользователь не может создать базу {database} для Airflow; "
    "пусть администратор выполнит CREATE DATABASE {database} OWNER этого пользователя",
    "database_unreachable": "DATABASE_URL: сервер не отвечает или не пускает; "
    "проверьте адрес, базу, пользователя и пароль",
    "postgres_not_started": "PostgreSQL не запустился ({reason}), журнал: {log}",
    "no_database": "Базы ещё нет: сначала make up",
    "not_running": "Система не запущена: сначала make up",
    "port_taken": "AIRFLOW_PORT: порт {port} занят; укажите в .env свободный",
    "foreign_folder": "{folder}: папка принадлежит другому пользователю; уберите её или задайте TMPDIR",
    "airflow_command": "Команда airflow {command} не удалась, подробности: {log}",
    "airflow_not_started": "Airflow не запустился: {parts}; журналы: {logs}",
    "airflow_ended": "Airflow остановился при запуске; журналы: {logs}",
    "dag_broken": "Airflow не может прочитать {file}: {reason}",
    "dag_not_parsed": "Airflow за {seconds} с не прочитал {dag}; журнал: {log}",
    "supervisor_not_started": "Программа supervisord не запустилась: {reason}",
    "simulator_not_started": "Имитация ({name}) не запустилась, журнал: {log}",
    "demo_failed": "Выгрузка не завершена (код {status}); журналы: {logs}",
}

# What a setting accepts, by its name in `ops/settings/variables.py`; completes "нужно: ...".
HTTP_ADDRESS = "адрес вида https://host:port/путь"
ACCEPTED = {
    "b24_base_url": "адрес портала вида https://company.bitrix24.ru, с /rest или без; "
    "номер пользователя и токен вебхука пишутся в B24_WEBHOOK_USER_ID и B24_WEBHOOK_TOKEN",
    "b24_webhook_user_id": "номер пользователя вебхука, только цифры",
    "b24_webhook_token": "токен вебхука: последняя часть адреса из настроек портала",
    "openai_base_url": HTTP_ADDRESS,
    "chatgpt_proxy_url": "адрес вида http://user:password@proxy-host:port",
    "require_proxy": "true или false",
    "storage_backend": "local или s3",
    "s3_endpoint_url": HTTP_ADDRESS,
    "s3_bucket": "имя бакета, от 3 до 63 знаков",
    "database_url": "адрес вида postgresql://user:password@host:5432/имя_базы",
    "slack_webhook_url": "адрес входящего вебхука вида https://hooks.slack.com/services/...",
    "metrics_token": "от 16 знаков без пробелов; пусто — создаётся сам",
    "log_level": "DEBUG, INFO, WARNING или ERROR",
    "log_format": "text или json",
    "airflow_port": "номер порта от 1 до 65535",
}

# Shown before the start goes on
WARNING = "[yellow]Внимание:[/] {text}"
NO_RECOGNISER = "OPENAI_API_KEY не задан: распознавать некому, запуски остановятся до первой траты."
OPEN_TOKEN = "B24_BASE_URL без https: токен вебхука идёт по сети открыто."  # noqa: S105
UNKNOWN_VARIABLE = "{name} в {file}: такой переменной нет, значение не используется."
SETTINGS_CHANGED = "настройки изменились после запуска; их применят make down и make up."

# Descriptions of the pools in Airflow's UI, by the pool's name
POOLS = {
    "bitrix24": "Сколько задач сразу говорят с порталом",
    "whisper": "Сколько записей распознаётся сразу (TRANSCRIBE_CONCURRENCY)",
}

# `python -m ops --help`
LAUNCHER = "Запуск системы на одной машине; короче — make help."
COMMANDS = {
    "up": "Запустить систему в фоне и дождаться, пока она готова.",
    "down": "Остановить всё, что запущено из этой папки; данные остаются.",
    "status": "Что работает сейчас.",
    "demo": "Показать всё в работе: имитация портала и распознавателя, настоящая выгрузка.",
    "run": "Выполнить команду в окружении работающей системы.",
    "pg": "psql, pg_dump или pg_restore на базе состояния.",
    "container": "Точка входа контейнера: `init` готовит базы и пулы, остальное — команда в окружении системы.",
}
PROFILE = "Отдельный набор баз, секретов и файлов под var/."
API_URL = "Где контейнеры находят api-server."

# What `up`, `down` and `status` print
READY = "Готово: {url}  вход: {login} / {password}"
POSTGRES_STARTS = "PostgreSQL..."
POSTGRES_RUNS = "PostgreSQL работает"
SCHEMAS = "Схемы баз данных..."
SCHEMAS_READY = "Схемы баз данных готовы"
POOLS_IMPORT = "Пулы..."
AIRFLOW_STARTS = "Airflow запускается..."
AIRFLOW_WAITS = "Airflow запускается, ждём: {parts}"
AIRFLOW_RUNS = "Airflow работает"
AIRFLOW_PARSES = "Airflow читает {dag}..."
STOPPING = "Останавливаю {profile}: планировщик ждёт свои задачи до минуты..."
STOPPED = "Остановлено: {profile}"
NOT_STARTED = "Не запущено: {profile}"
STATUS_COLUMNS = ("компонент", "состояние", "pid")

# What `demo` prints
SIMULATORS_RUN = "Имитация портала и распознавателя работает"
EXPORTING = "Выгрузка {first} — {last}"
FIRST_ROWS = "{file}, первые {rows} строк"
TOTALS = (
    "Звонков {total_calls}, текстов {completed_calls}, ошибок {error_calls}; "
    "минут {total_minutes:.1f}, стоимость текстов ${total_cost:.4f}, "
    "потрачено этим запуском ${spent_cost:.4f}; состояние: {status}"
)
FILES = "Файлы:     {folder}"
INTERFACE = "Интерфейс: {url}  вход: {login} / {password}"
SIMULATED = "Портал {portal} и распознаватель {recogniser} — имитация; остановить всё: make down"

# What `ops/one_machine/bootstrap.py` prints
NO_VENV = (
    "python3 не умеет создавать виртуальные окружения: нет ensurepip, pip, uv и virtualenv; "
    "поставьте пакет python3-venv или python3-pip."
)
PYTHON_TOO_OLD = "нужен Python 3.11 или новее, а здесь {version}."
INSTALLING = "Ставлю зависимости из {lock} в .venv: в первый раз это минуты..."
UV_FAILED = "uv не справился, пробую pip..."
NOT_INSTALLED = "зависимости не установились: причина выше; проверьте доступ к PyPI (настройки pip действуют)."
