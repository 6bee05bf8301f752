"""Russian sentences for errors that the smoke test raises (`include/common/wording/problems.py` says how)."""

PROBLEMS: dict[str, str] = {
    "playlist_missing": "плейлиста {path} нет или он не читается",
    "playlist_too_big": "плейлист {path} больше {most} байт",
    "playlist_unusable": "плейлист непонятен: поле {where}: {reason}",
    "unknown_engine": "движка {engine} нет; есть {known}",
    "smoke_over_budget": (
        "прогноз ${forecast} больше бюджета проверки ${budget}: сократите плейлист или поднимите STT_SMOKE_BUDGET_USD"
    ),
    "playlist_outside": "плейлист {path} не в папке системы: назовите путь от неё",
    "smoke_without_connection": (
        "у движка {engine} нет соединения {connection} в Airflow: назовите другой движок (параметр «движки»)"
    ),
    "smoke_of_nothing": "в плейлисте нет записей: ничего не проверено",
}
