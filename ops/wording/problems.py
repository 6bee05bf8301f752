"""Sentences for errors raised in `ops`, by the error's `problem`."""

PROBLEMS = {
    "setting_missing": "{name}: не задано; нужно: {accepted} (образец — .env.example, значения — в .env)",
    "setting_unusable": "{name}: значение не подходит; нужно: {accepted}",
    "secret_file": "{name}: файл с секретом не читается ({reason})",
    "secret_twice": "{name} и {file}: задано и то и другое; оставьте одно",
    "settings_encoding": "{file}: файл должен быть в кодировке UTF-8",
    "ca_bundle_unusable": "CA_BUNDLE: {file} — не файл с сертификатами в PEM, или его нельзя прочесть",
    "smtp_missing": "SMTP_URL: не задан, а ALERTS_TO, REPORT_MAIL_TO или ALERT_EMAIL_TO просят писать письма",
    "sales_packages": (
        "продажи настроены (QTickets, VK, Директ или CH_HOST), а пакетов для них нет: `make install-sales`, затем "
        "снова `make up`"
    ),
    "alerts_packages": (
        "ALERTS_TO: для такого адреса нужны ещё пакеты: "
        "`.venv/bin/uv pip install --require-hashes -r requirements-alerts.txt`"
    ),
    "plain_warehouse": (
        "CH_SECURE: пароль ClickHouse пойдёт к {host} без шифрования: уберите CH_SECURE=false или, если сеть своя, "
        "UNPROTECTED_HOSTS={host}"
    ),
    "plain_mail": (
        "SMTP_URL: письма пойдут к {host} без шифрования: уберите tls=no или впишите хост в UNPROTECTED_HOSTS"
    ),
    "proxy_required": "CHATGPT_PROXY_URL: не задан, а REQUIRE_PROXY=true запрещает работать без прокси",
    "fallback_address_missing": "STT_FALLBACK_BASE_URL: не задан, а его ключ или прокси (STT_FALLBACK_API_KEY, "
    "STT_FALLBACK_PROXY_URL) заданы; уберите их или задайте адрес",
    "fallback_model_missing": "STT_FALLBACK_MODEL: для STT_FALLBACK_BASE_URL нужна модель с другим именем, "
    "чем {model}: по имени видно, чей текст",
    "fallback_proxy_required": "STT_FALLBACK_PROXY_URL: `direct`, а REQUIRE_PROXY=true запрещает работать без прокси",
    "bucket_missing": "S3_BUCKET: не задан, а STORAGE_BACKEND=s3 хранит файлы в бакете",
    "s3_keys_apart": "S3_ACCESS_KEY_ID и S3_SECRET_ACCESS_KEY: задаются вместе или не задаются вовсе",
    "executor_needs": "{name}: не задано, а при EXECUTOR={executor} машинам нужно общее",
    "executor_packages": "EXECUTOR: пакеты нескольких машин не установлены: `pip install -r requirements-cluster.txt`"
    " (в образе они есть)",
    "worker_host": "У этой машины имя {name}, как у всякой: у каждого рабочего процесса должно быть своё (`hostname`)",
    "not_celery": "Команда `worker` бывает только при EXECUTOR=celery",
    "backup_half_set": "BACKUP_URL и BACKUP_KEY: задаются вместе или не задаются вовсе",
    "backup_keys_apart": "BACKUP_S3_ACCESS_KEY_ID и BACKUP_S3_SECRET_ACCESS_KEY: задаются вместе или не задаются вовсе",
    "backup_beside": "BACKUP_URL: папка {folder} лежит внутри папок системы или содержит их; нужно другое место",
    "kms_key_unused": "S3_KMS_KEY_ID: задан, а S3_ENCRYPTION не aws:kms",
    "plain_http": "{name}: соединение с {host} не зашифровано; нужен https или явное слово: UNPROTECTED_HOSTS={host}",
    "unchecked_database": "DATABASE_URL: сертификат {host} не проверяется; допишите ?sslmode=verify-full или скажите "
    "явно: UNPROTECTED_HOSTS={host}",
    "plain_disk": "{folder}: не видно, что файловая система зашифрована (LUKS и подобное), а "
    "REQUIRE_ENCRYPTED_DISK=true этого требует; диск, который шифрует само облако или железо, отсюда не виден",
    "container_database": "DATABASE_URL: не задан, а в контейнерах база — отдельный сервер",
    "database_reserved": "DATABASE_URL и AIRFLOW_DATABASE: одна и та же база {database}; нужны две",
    "foreign_airflow_database": "AIRFLOW_DATABASE: в базе {database} таблицы другой системы; назовите для Airflow "
    "другую базу, её создаст система",
    "database_right": "DATABASE_URL: пользователь не может создать базу {database} для Airflow; "
    "пусть администратор выполнит CREATE DATABASE {database} OWNER этого пользователя",
    "database_unreachable": "DATABASE_URL: сервер не отвечает или не пускает; "
    "проверьте адрес, базу, пользователя и пароль",
    "postgres_not_started": "PostgreSQL не запустился ({reason}), журнал: {log}",
    "no_backups": "Копии не настроены: задайте в .env BACKUP_URL и BACKUP_KEY (ключ печатает make backup-key)",
    "restore_while_running": "Система работает, а копия возвращается только в базы, которыми никто не пользуется: "
    "сначала make down",
    "no_database": "Базы ещё нет: сначала make up",
    "not_running": "Система не запущена: сначала make up",
    "port_taken": "AIRFLOW_PORT: порт {port} занят; укажите в .env свободный",
    "foreign_folder": "{folder}: папка принадлежит другому пользователю; уберите её или задайте TMPDIR",
    "no_fab": "Роли бывают только при AUTH_MANAGER=fab: задайте его в .env и запустите make down и make up",
    "airflow_roles": "Роли и учётные записи в Airflow не созданы, подробности: {log}",
    "airflow_command": "Команда airflow {command} не удалась, подробности: {log}",
    "airflow_not_started": "Airflow не запустился: {parts}; журналы: {logs}",
    "airflow_ended": "Airflow остановился при запуске; журналы: {logs}",
    "dag_broken": "Airflow не может прочитать {file}: {reason}",
    "dag_not_parsed": "Airflow за {seconds} с не прочитал {dag}; журнал: {log}",
    "supervisor_not_started": "Программа supervisord не запустилась: {reason}",
    "simulator_not_started": "Имитация ({name}) не запустилась, журнал: {log}",
    "demo_failed": "Выгрузка не завершена (код {status}); журналы: {logs}",
    "demo_scores_failed": "Оценка звонков не завершена (код {status}); журналы: {logs}",
}
