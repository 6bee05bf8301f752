"""What the launcher prints.

Strings only and no imports: `ops/one_machine/bootstrap.py` reads them on any Python 3 before anything is installed.
"""

# `python -m ops --help`
LAUNCHER = "Запуск системы на одной машине; короче — make help."
COMMANDS = {
    "up": "Запустить систему в фоне и дождаться, пока она готова.",
    "down": "Остановить всё, что запущено из этой папки; данные остаются.",
    "status": "Что работает сейчас.",
    "demo": "Показать всё в работе: имитация портала и распознавателя, настоящая выгрузка.",
    "sales-demo": "продажи и реклама: источники понарошку, встроенный ClickHouse, возврат, отказ API, копия",
    "run": "Выполнить команду в окружении работающей системы.",
    "stt-smoke": "Проверить распознаватель плейлистом; параметры те же, что у jobs.stt_smoke.",
    "pg": "psql, pg_dump или pg_restore на базе состояния.",
    "backup": "Сделать копию баз и файлов и сразу проверить её восстановлением.",
    "verify-backup": "Восстановить копию во временные базы и сравнить; по умолчанию последнюю проверенную.",
    "restore": "Вернуть копию в пустые базы; latest — последняя проверенная.",
    "backup-key": "Напечатать новый ключ для BACKUP_KEY.",
    "roles": "Роли этого пакета в Airflow (AUTH_MANAGER=fab) и учётные записи системы — заново.",
    "container": "Точка входа контейнера: свои команды (`--help`), остальное — команда в окружении системы.",
}
BEFORE_START = "Команда годится и до make up: соединений с тем, что не запущено, у неё не будет."
# `docker compose run --rm app --help`
CONTAINER = "Команды в контейнерах; любая другая (`python -m jobs.call_export ...`) выполняется в окружении системы."
CONTAINER_COMMANDS = {
    "init": "Подготовить базы, роли и пулы; печатает, где лежат файлы и база.",
    "login": "Показать адрес Airflow, логин и пароль.",
    "pg": "psql, pg_dump или pg_restore на базе состояния.",
    "worker": "Выполнять задачи (EXECUTOR=celery); остановка отдаёт начатое другим машинам.",
    "monitoring": "Записать настройки и секреты для мониторинга (`docker compose --profile monitoring`).",
}
CONTAINERS_PREPARED = "Файлы: {files}; база: {database}. Адрес Airflow и пароль: `docker compose run --rm app login`"
MONITORING_WRITTEN = "Настройки мониторинга записаны"
PROFILE = "Отдельный набор баз, секретов и файлов под var/."
DEMO_SCORES = "И оценки звонков; нужны пакеты языковых моделей (make install-models)."
EVERY_FILE = "Прочитать и все файлы хранилища, а не только новые."
RESTORE_INTO = "Только база состояния, в другую базу того же сервера с этим именем."
RESTORE_ASIDE = "Базы не пусты: переименовать их и вернуть копию на их место."
RESTORE_FILES = "Вернуть и файлы, которых в хранилище нет."
ROLE = "Роль в базе: `app` — как задачи, `read` — без номеров, имён и текстов. Пусто: владелец сервера, для копий."
API_URL = "Где контейнеры находят api-server."

SCHEDULE = "Расписанию новой системы можно тратить: прогноз первой ночи покажется, вопроса не будет."

# What `up`, `down` and `status` print
READY = "Готово: {url}  вход: {login} / {password}"
POSTGRES_STARTS = "PostgreSQL..."
POSTGRES_RUNS = "PostgreSQL работает"
WAREHOUSE_SCHEMA = "ClickHouse: миграции и витрины…"
SCHEMAS = "Схемы баз данных..."
SCHEMAS_READY = "Схемы баз данных готовы"
POOLS_IMPORT = "Пулы..."
AIRFLOW_ROLES = "Роли и учётные записи Airflow..."
AIRFLOW_ROLES_READY = "Роли и учётные записи Airflow готовы"
AIRFLOW_STARTS = "Airflow запускается..."
AIRFLOW_WAITS = "Airflow запускается, ждём: {parts}"
AIRFLOW_RUNS = "Airflow работает"
AIRFLOW_PARSES = "Airflow читает {dag}..."
STOPPING = "Останавливаю {profile}: планировщик ждёт свои задачи до минуты..."
STOPPED = "Остановлено: {profile}"
NOT_STARTED = "Не запущено: {profile}"
STATUS_COLUMNS = ("компонент", "состояние", "pid")

# What `up` prints of a new system's first night
YES = ("да", "д")
MAY_SCHEDULE_SPEND = "Выгружать и тратить по расписанию ({cron}, UTC)? [да/нет]"
SCHEDULE_ALLOWED = "Расписание включено: {cron}, UTC. Выключить — переключателем call_export в Airflow"
SCHEDULE_HELD = (
    "Расписание не включено, само ничего не тратится. Включить: `make up SCHEDULE=true` (перезапуск не нужен). "
    "Выгрузки командой и из Airflow идут и так"
)
SCHEDULE_WAITS = "расписание не включено: `make up SCHEDULE=true`"
NO_FORECAST = "Прогноз первой ночи не составлен: {reason}"

# What the commands about backups print
BACKUP_BEFORE_MIGRATION = "Копия баз перед миграцией..."
VERIFYING_BACKUP = "Проверяю копию восстановлением..."
RESTORING = "Восстанавливаю..."
SET_ASIDE = "База {database} переименована в {aside}"

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
CALL = "Звонок:    {url}/plugin/calls/call/{call}  послушать и прочесть"
SCORING = "Оценка звонков: страница «Качество»"
SCORES = "Оценки:    {url}/plugin/calls/quality  страница «Качество», ответы — имитация"
SCORES_LATER = "Оценки звонков по карте, с цитатами: `make demo SCORES=true`"
SIMULATED = "Портал {portal} и распознаватель {recogniser} — имитация; остановить всё: make down"

# What `ops/one_machine/bootstrap.py` prints
NO_VENV = (
    "python3 не умеет создавать виртуальные окружения: нет ensurepip, pip, uv и virtualenv; "
    "поставьте пакет python3-venv или python3-pip."
)
PYTHON_TOO_OLD = "нужен Python 3.11 или новее, а здесь {version}."
INSTALLING = "Ставлю зависимости из {lock} в {venv}: в первый раз это минуты..."
UV_FAILED = "uv не справился, пробую pip..."
NOT_INSTALLED = "зависимости не установились: причина выше; проверьте доступ к PyPI (настройки pip действуют)."
SALES_DEMO = {
    "simulated": "QTickets, VK Ads, Директ и Gmail — понарошку: {url}",
    "history": "[bold]1. Тридцать дней продаж и рекламы[/]",
    "refund": "[bold]2. Возврат билета: сегодняшний день меньше, прошлый — прежний[/]",
    "down": "[bold]3. API не пускает; письмо занимает его место[/]",
    "up": "[bold]4. API вернулся: письмо больше не учитывается[/]",
    "backup": "[bold]5. Копия, восстановленная рядом и сверенная[/]",
    "table": "[bold]Итог[/]",
    "truth": "Правда имитации: чистая выручка {net_revenue}, билетов {tickets}",
}
