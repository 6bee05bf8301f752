"""Russian texts of Airflow's connection forms and of their «Test» button, for connection types of our own."""

from collections.abc import Sequence

BITRIX24 = "Bitrix24: вебхук портала"
RECOGNISER = "Распознаватель речи (API OpenAI)"
LANGUAGE_MODEL = "Языковая модель (API OpenAI)"
CALLS_STATE = "База состояния выгрузок"
STORAGE = "Хранилище записей и текстов"
QTICKETS = "QTickets (REST API)"
VK_ADS = "VK Реклама"
YANDEX_DIRECT = "Яндекс Директ"
GMAIL_RESERVE = "Gmail: резервный канал продаж"
AIRFLOW_API = "REST API Airflow"

PORTAL_ADDRESS = "Адрес портала"
WEBHOOK_USER = "Номер пользователя вебхука"
WEBHOOK_TOKEN = "Токен вебхука"  # noqa: S105  the field's name
SERVICE_ADDRESS = "Адрес сервиса; пусто — OpenAI"
SERVICE_KEY = "Ключ"
PROXY = "Прокси"
PROXY_HELP = "http://имя:пароль@хост:порт; мимо него не идёт ничего"
REQUIRE_PROXY = "Без прокси не отправлять"
REQUIRE_PROXY_HELP = "Ошибка вместо запроса, если прокси не задан"

UNUSED_PORT = "Порт: впишите 0"
HOST = "Сервер"
PORT = "Порт"
DATABASE = "База"
USER = "Пользователь"
PASSWORD = "Пароль"  # noqa: S105  the field's name
SSLMODE = "sslmode"
SSLMODE_HELP = "Проверка сертификата сервера: `verify-full`, если сервер не на этой машине"
ACCESS_KEY = "Ключ доступа S3; пусто — папка или роль машины"
SECRET_KEY = "Секретный ключ S3"  # noqa: S105  the field's name
FOLDER = "Папка"
FOLDER_HELP = "Для хранения на диске, общем для всех исполнителей Airflow; тогда бакет пуст"
BUCKET = "Бакет"
BUCKET_HELP = "Для хранения в S3; тогда папка пуста"
KEY_PREFIX = "Папка в бакете"
KEY_PREFIX_HELP = "У каждой установки своя, если бакет общий"
ENDPOINT = "Адрес S3"
ENDPOINT_HELP = "Пусто — сам AWS"
REGION = "Регион"
ENCRYPTION = "Шифрование объектов"
ENCRYPTION_HELP = "AES256, aws:kms (так — у `Yandex Object Storage`) или `bucket` — как настроен сам бакет"
KMS_KEY = "Ключ KMS"
KMS_KEY_HELP = "Для aws:kms, если не ключ бакета по умолчанию"

API_ADDRESS = "Адрес API"
API_TOKEN = "Токен"  # noqa: S105  the field's name
CLIENT_ID = "Номер клиента (client_id)"
CLIENT_SECRET = "Секрет клиента"  # noqa: S105  the field's name
VK_API = "API"
VK_API_HELP = "v2 — ads.vk.com, legacy — прежние методы ads.*"
ACCOUNTS = "Кабинеты"
ACCOUNTS_HELP = "Через запятую; пусто — свой кабинет"
READY_TOKEN = "Готовый токен"  # noqa: S105  the field's name
READY_TOKEN_HELP = "Вместо клиента и секрета; для legacy — только он"  # noqa: S105  the field's help
LOGINS = "Логины кабинетов"
LOGINS_HELP = "Через запятую"
REFRESH_TOKEN = "Токен обновления"  # noqa: S105  the field's name
CLIENT_FILE = "Файл OAuth-клиента"
CLIENT_FILE_HELP = "Путь на машине, где работают задачи; токен обновления — make sales-gmail-token"
SERVICE_ACCOUNT = "Файл сервисного аккаунта"
SERVICE_ACCOUNT_HELP = "Вместо клиента и токена; с делегированием на весь домен"
MAILBOX = "Ящик сервисного аккаунта"

SOURCE_ANSWERS = "Источник отвечает, доступ есть"
PORTAL_ALLOWS = "Вебхук видит всё, что нужно выгрузке"
STORAGE_WORKS = "Файл записан, прочитан и удалён"
SCHEMA_FITS = "База отвечает, схема та, что нужна"


def service_answers(models: Sequence[str]) -> str:
    return f"Сервис отвечает, моделей: {len(models)}" if models else "Сервис отвечает; списка моделей у него нет"


def airflow_answers(version: str) -> str:
    return f"Вход выполнен, Airflow {version}"


def no_connection(conn_id: str) -> str:
    return f"нет подключения {conn_id}"
