"""What a setting of sales accepts, by the English description of its kind (`include/sales/policy.py`)."""

ACCEPTED_VALUES = {
    "a time zone such as Europe/Moscow": "часовой пояс, например Europe/Moscow",
    "domain names, separated by commas": "имена доменов через запятую",
    "a search of Gmail": "поисковый запрос Gmail",
    "cumulative or daily": "cumulative или daily",
    "event or sale": "event или sale",
    "an hour from 0 to 23": "час от 0 до 23",
    "a currency code such as RUB": "код валюты, например RUB",
}
