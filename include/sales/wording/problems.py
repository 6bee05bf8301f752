"""Russian sentences for errors of the area `sales` (`include/common/wording/problems.py` says how)."""

PROBLEMS: dict[str, str] = {
    "lease_lost": "кабинет {source} забрала другая загрузка: эта больше не пишет; повторит следующий запуск",
    "migration_blocked": (
        "миграция ClickHouse {name} изменена после того, как выполнялась: верните файл, новое изменение — новым файлом"
    ),
    "no_coverage": "источник {source} не сказал, по какой момент ответ полон",
    "no_fernet_key": "у Airflow нет ключа Fernet: токены источников негде хранить; задайте AIRFLOW__CORE__FERNET_KEY",
    "no_table_in_backup": "в копии нет таблицы {tables}",
    "no_warehouse_backup": "копии {name} нет: смотрите make sales-backup-verify",
    "pages_do_not_fit": (
        "страницы источника не сошлись друг с другом и при повторном чтении: ничего не записано;"
        " следующий запуск прочитает их заново, а если не сойдутся и там — передайте журнал задачи разработчику"
    ),
    "repeated_keys": (
        "в ответе источника {repeated} строк {table} пришли дважды (например, {example}), и при повторном чтении тоже:"
        " ничего не записано; следующий запуск прочитает их заново, а если повторится — передайте журнал задачи"
        " разработчику"
    ),
    "restore_mismatch": "восстановленные таблицы не совпали с описью копии: {tables}",
    "restore_waits": "идёт загрузка или другое восстановление: начнётся, когда они закончатся",
    "sales_period_future": "{last} ещё не наступил",
    "sales_period_too_old": "{source} хранит {days} дней, {first} раньше",
    "sales_unknown_account": "в соединении нет кабинета {accounts}",
    "shrunk_window": (
        "в ответе нет {missing} из {shown} строк, которые были в этом окне: ничего не записано;"
        " если так и есть, запустите с accept_shrink"
    ),
    "source_bad_row": "в ответе источника не читаются строки ({count}): {row}; передайте журнал задачи разработчику",
    "source_ignores_order": "источник прислал дни не по порядку; передайте журнал задачи разработчику",
    "verify_mismatch": "записанное не совпало с прочитанным ({shown}): смотрите лог задачи, повторите загрузку",
    "warehouse_clock": "часы ClickHouse расходятся с нашими на {seconds} с: поправьте время на серверах",
    "warehouse_migrations_pending": "не выполнено миграций ClickHouse: {count}; выполните make sales-migrate",
}
