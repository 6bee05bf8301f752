"""Russian titles of alerts and the command or place that helps with each."""

TITLES: dict[str, str] = {
    "job_failed": "Запуск закончился ошибкой",
    "job_overdue": "Давно не было удачного запуска",
    "stale_data": "Данные устарели",
    "health": "Нездоров компонент системы",
    "source_rights": "Источник не принимает доступ",
    "token_expiring": "Кончается токен источника",
    "quota_low": "Кончается лимит запросов источника",
    "schema_drift": "Источник сменил форму ответов",
    "shrunk_window": "Источник отдал меньше, чем раньше",
    "reconciliation_gap": "Объявления не сходятся с итогом кабинета",
    "price_mismatch": "Цена билета не сходится с суммой заказа",
    "foreign_currency": "Продажи в другой валюте",
    "unknown_city": "Город не назван",
    "utm_unparsed": "Метки рекламы не разобраны",
    "reserve_unmatched": "Письмо о мероприятии, которого нет в API",
    "mail_untrusted": "Письмо без подписи отправителя",
    "mail_unparsed": "Письмо не прочитано",
    "filter_ignored": "Источник не учёл фильтр запроса",
    "bad_row": "Строки источника не прочитаны и пропущены",
    "account_gone": "Рекламный кабинет недоступен",
    "backup_failed": "Копия не сделана",
    "backup_stale": "Копия старая или не проверена",
    "restore_mismatch": "Восстановленная копия не совпала",
    "migration_pending": "Не выполнены миграции ClickHouse",
    "mail_send_failed": "Письма об ошибках не уходят",
    "coverage_gap": "Среди загруженных дней есть пропуск",
    "account_behind": "Кабинет отстал от остальных",
    "coverage_differs": "Реклама не та, что была загружена",
    "key_in_two_months": "Билет записан в два месяца",
    "ticket_without_event": "Проданы билеты на неизвестное мероприятие",
    "ticket_without_show": "Проданы билеты на неизвестный показ",
    "future_sale": "Билеты из будущего",
    "impossible_money": "Невозможная цена или возврат",
    "impossible_ads": "Невозможные цифры рекламы",
    "views_disagree": "Витрина не сходится с билетами",
    "sales_fell": "Вчера продано намного меньше обычного",
}
HELP: dict[str, str] = {
    "job_failed": "make sales; журнал задачи — в Airflow",
    "job_overdue": "make sales; журнал задачи — в Airflow",
    "stale_data": "make sales-load SOURCE={source}; если API лежит: make sales-on SOURCE=gmail",
    "health": "make sales; make status",
    "source_rights": "получите доступ заново и задайте его в .env или в Admin > Connections;"
    " проверка: make sales-load SOURCE={source} DRY_RUN=true",
    "token_expiring": "выпустите новый токен заранее; docs/sales/monitoring.md",
    "quota_low": "не запускайте загрузку задним числом, пока лимит не вернётся; docs/sales/monitoring.md",
    "schema_drift": "передайте журнал задачи разработчику: до исправления источник не загружается",
    "shrunk_window": "проверьте кабинет; если так и есть: make sales-load SOURCE={source} ACCEPT_SHRINK=true",
    "backup_failed": "make sales-backup MODE=full",
    "backup_stale": "make sales-backup; make sales-backup-verify",
    "restore_mismatch": "make sales-backup MODE=full; docs/runbooks/sales.md, «Копии»",
    "migration_pending": "make sales-migrate",
    "coverage_gap": "make sales-backfill SOURCE={source} FROM=... TO=...; дни — в сообщении",
    "account_behind": "make sales-load SOURCE={source}; если кабинет больше не нужен, подтвердите",
    "coverage_differs": "make sales-load SOURCE={source} FROM=...; в сообщении — день: сейчас / при загрузке",
    "key_in_two_months": "передайте номер заказа разработчику: источник сменил день создания заказа",
    "ticket_without_event": "make sales-load SOURCE=qtickets; повторяется — номер мероприятия разработчику",
    "ticket_without_show": "make sales-load SOURCE=qtickets; повторяется — номер показа разработчику",
    "future_sale": "сверьте часы этой машины; заказ — в кабинете QTickets",
    "impossible_money": "сверьте заказ с кабинетом QTickets; номер — в сообщении",
    "impossible_ads": "сверьте кабинет за последние дни; в сообщении — клики / показы",
    "views_disagree": "передайте день разработчику; до исправления витринам этого дня не верьте",
    "sales_fell": "сверьте вчера с кабинетом QTickets; затем make sales-load SOURCE=qtickets DAYS=2",
}
CHECK = "{times} ({example})"
CHECK_REFUSED = "проверка {name} не выполнена: {reason}"
SUBJECT_OPEN = "Продажи и реклама: требуют внимания — {count}"
SUBJECT_OVER = "Продажи и реклама: прошло"
OVER = "Прошло"
REPEATED = "повторялось {times} раз, последний раз {last}"
FINDING = "{title}: {times}"
STALE = "{source}: последний полный день {latest}, отставание {days} дн."
OVERDUE = "{job}: последний удачный запуск {last}"
BACKUP_STALE = "последняя проверенная копия: {last}"
EXPIRES = "{settings}: срок токена выйдет {ends:%d.%m.%Y}, если отсчёт с дня, когда его увидели впервые"
EXPIRED = "{settings}: срок токена вышел {ends:%d.%m.%Y}, если отсчёт с дня, когда его увидели впервые"
PENDING = "миграций: {count}"
DAGS_OF_SALES = "Продажи и реклама в Airflow"
NOT_SENT = "канал не принял сообщение: проверьте его настройки"
