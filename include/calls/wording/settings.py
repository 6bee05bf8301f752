"""Russian words for what a setting of `policy.yaml` accepts, by the description of its kind in `policy.py`."""

ACCEPTED_VALUES: dict[str, str] = {
    "an address such as https://company.ru/airflow, or empty": "адрес, например https://company.ru/airflow, или пусто",
    "a sum such as 0.0045; 0 for a server of one's own": "сумма, например 0.0045; 0 для своего сервера",
    "a model's name without blanks, such as gpt-transcribe": "имя модели без пробелов, например gpt-transcribe",
    "a model's name without blanks, or empty": "имя модели без пробелов или пусто",
    "left or right": "left или right",
    "cron with five fields, such as 0 2 * * *": "cron из пяти полей, например 0 2 * * *",
    "requests a second: 2 in the cloud, 5 with Enterprise, at most 100": (
        "запросов в секунду: 2 в облаке, 5 на Enterprise, своему серверу не больше 100"
    ),
    "a whole number from 0 to 40": "целое число от 0 до 40",
    "a whole number from 1 to 32": "целое число от 1 до 32",
    "a whole number from 1 to 64": "целое число от 1 до 64",
    "a whole number from 1 to 1000": "целое число от 1 до 1000",
    "hosts separated by commas, each host or host:port": "хосты через запятую, каждый host или host:port, без http://",
    "ISO 639-1 codes separated by commas, such as ru,en": "коды ISO 639-1 через запятую, например ru,en",
    "minutes, above 0 and at most 15": "минуты: больше 0 и не больше 15",
    "phone line: left or right": "номер компании: left или right",
    "a share such as 0.20": "доля, например 0.20",
    "hours, above 0 and at most 720": "часы: больше 0 и не больше 720",
    "portal, or a time zone's name such as Europe/Moscow": "portal или имя часового пояса, например Europe/Moscow",
    "numbers of nights, such as 1, 2, 4, 8, 16": "номера ночей, например 1, 2, 4, 8, 16",
    "days, at least 1095": "дни, не меньше 1095 (три года)",
    "days, at least as many as audio and recognition": "дни, не меньше, чем у аудио и ответов распознавателя",
    "days, at least as many as every other period": "дни, не меньше любого другого срока хранения",
}
