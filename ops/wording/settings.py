"""What the settings of `.env` accept, and the warnings about them."""

# What a setting accepts, by its name in `ops/settings/env_file.py`; completes "нужно: ...".
HTTP_ADDRESS = "адрес вида https://host:port/путь"
ACCEPTED = {
    "b24_base_url": "адрес портала вида https://company.bitrix24.ru, с /rest или без; "
    "номер пользователя и токен вебхука пишутся в B24_WEBHOOK_USER_ID и B24_WEBHOOK_TOKEN",
    "b24_webhook_user_id": "номер пользователя вебхука, только цифры",
    "b24_webhook_token": "токен вебхука: последняя часть адреса из настроек портала",
    "openai_base_url": HTTP_ADDRESS,
    "chatgpt_proxy_url": "адрес вида http://user:password@proxy-host:port",
    "require_proxy": "true или false",
    "stt_fallback_base_url": HTTP_ADDRESS,
    "stt_fallback_proxy_url": "адрес вида http://user:password@proxy-host:port, или `direct` — без прокси",
    "storage_backend": "local или s3",
    "s3_endpoint_url": HTTP_ADDRESS,
    "s3_bucket": "имя бакета, от 3 до 63 знаков",
    "s3_prefix": "папка в бакете, латиницей: `staging` или `calls/staging`",
    "s3_encryption": "AES256, aws:kms или bucket",
    "backup_url": "папка от корня, вида /mnt/backup, или s3://бакет/папка",
    "backup_key": "ключ, который печатает make backup-key",
    "backup_s3_endpoint_url": HTTP_ADDRESS,
    "airflow_database": "имя базы: строчные латинские буквы, цифры и _",
    "local_llm_url": HTTP_ADDRESS,
    "database_url": "адрес вида postgresql://user:password@host:5432/имя_базы",
    "require_encrypted_disk": "true или false",
    "smtp_url": "адрес вида smtp://user:password@mail.company.ru:587?from=call-export@company.ru, или smtps://",
    "alerts_to": "`mailto:a@company.ru,b@company.ru`, адрес вебхука https://... или адрес вида tgram://токен/чат",
    "report_mail_to": "адреса почты через запятую",
    "alert_email_to": "адреса почты через запятую",
    "slack_webhook_url": "адрес входящего вебхука вида https://hooks.slack.com/services/...",
    "metrics_token": "от 16 знаков без пробелов; пусто — создаётся сам",
    "search_token": "от 16 знаков без пробелов; пусто — другие программы не ищут в текстах",
    "log_level": "DEBUG, INFO, WARNING или ERROR",
    "log_format": "text или json",
    "auth_manager": "`simple` или `fab`",
    "qtickets_api_url": HTTP_ADDRESS,
    "vk_api": "v2 или legacy",
    "vk_api_url": HTTP_ADDRESS,
    "vk_account_ids": "номера кабинетов через запятую",
    "vk_cron": "расписание cron, пять полей",
    "direct_api_url": HTTP_ADDRESS,
    "direct_cron": "расписание cron, пять полей",
    "gmail_api_url": HTTP_ADDRESS,
    "gmail_token_url": HTTP_ADDRESS,
    "ch_port": "номер порта от 1 до 65535",
    "ch_secure": "true или false",
    "ch_database": "имя базы: латинские буквы, цифры и подчёркивания",
    "ch_backup_to": "имя диска для копий из настроек ClickHouse",
    "zakaz_health_port": "номер порта от 1 до 65535",
    "airflow_port": "номер порта от 1 до 65535",
    "executor": "`local`, `celery` или `kubernetes`",
    "installation_secret": "от 32 знаков, один на все машины установки",
    "broker_url": "адрес вида redis://:пароль@host:6379/0, или rediss://",
    "airflow_api_url": HTTP_ADDRESS,
    "worker_slots": "число от 1 до 256",
    "worker_queues": "имена через запятую: `portal`, `recogniser`, `default`",
}

# Shown before the start goes on
WARNING = "[yellow]Внимание:[/] {text}"
NO_RECOGNISER = "OPENAI_API_KEY не задан: распознавать некому, запуски остановятся до первой траты."
NO_DATABASE_ROLES = (
    "пользователь DATABASE_URL не может создавать роли PostgreSQL: он один делает всё. Дайте ему CREATEROLE "
    "и CREATEDB, чтобы у задач было только право, которое им нужно"
)
OPEN_TOKEN = "B24_BASE_URL без https: токен вебхука идёт по сети открыто."  # noqa: S105
BACKUPS_ON_SAME_DISK = "BACKUP_URL на том же диске, что и система: пропадёт диск — пропадут и копии."
OPEN_FILE = "{file} могут читать другие пользователи машины (права {mode}), а в нём секреты: `chmod 600 {file}`"
UNKNOWN_VARIABLE = "{name} в {file}: такой переменной нет, значение не используется."
SETTINGS_CHANGED = "настройки изменились после запуска; их применят make down и make up."
EMBEDDED_CLICKHOUSE = "встроенный ClickHouse: не для работы. Для работы задайте сервер в CH_HOST"
