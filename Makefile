# Entry points only; the work is in ops/, jobs/, trials/ and tests/. The texts after ## are printed by `make help`.
PYTHON ?= python3
VENV := .venv/bin
# Compiled files are kept: without them each process compiles its imports again, which takes seconds.
export PYTHONDONTWRITEBYTECODE :=
OPS := $(VENV)/python -m ops
EXPORT := $(OPS) run -- $(VENV)/python -m jobs.call_export

.DEFAULT_GOAL := help
.PHONY: help demo up down status roles check discover export resume deliver rebuild replay reset qa audit hold erase-again sql backup verify-backup restore backup-key test test-cluster test-airflow test-browser test-without-airflow lint types \
	sales sales-demo sales-load sales-backfill sales-on sales-off sales-alerts sales-migrate sales-sql sales-report sales-backup \
	sales-backup-verify sales-restore-check sales-restore sales-logs sales-health sales-gmail-token install-sales bench chaos mutate stt-smoke trial-stt lock audit-packages install install-dev install-models install-cluster chaos-hosts

help: ## этот список
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: install ## всё сразу на пустой машине: портал и распознаватель понарошку, выгрузка настоящая; [SCORES=true] — и оценки звонков
	@$(if $(filter true,$(SCORES)),$(PYTHON) ops/one_machine/bootstrap.py models)
	@$(OPS) demo $(if $(filter true,$(SCORES)),--scores)

up: install ## запустить Airflow с настройками из .env, дождаться готовности, показать адрес и вход; [SCHEDULE=true] — ночам можно тратить
	@$(OPS) up $(if $(filter true,$(SCHEDULE)),--schedule)

down: install ## остановить всё, что запустили up и demo; данные остаются
	@$(OPS) down

status: install ## что работает сейчас
	@$(OPS) status

check: install ## проверить настройки и доступы без запуска, и до make up тоже; ничего не тратится; код 1 — что-то не работает
	@$(OPS) run --before-start -- $(VENV)/python -m jobs.check

discover: install ## что есть на портале: линии, звонки, записи, минуты, цена месяца; ничего не сохраняется: [FROM= TO=]
	@$(OPS) run --before-start -- $(VENV)/python -m jobs.discover $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")

export: install ## выгрузка: FROM=2025-08-01 TO=2025-08-31 [SUMMARY=true] [DRY_RUN=true] [LOW_RATE=true] [KEY=...]
	@$(EXPORT) $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(SUMMARY),--generate-summary="$(SUMMARY)") $(if $(DRY_RUN),--dry-run="$(DRY_RUN)") \
		$(if $(LOW_RATE),--low-rate="$(LOW_RATE)") $(if $(LIMIT_CALLS),--limit-calls "$(LIMIT_CALLS)") \
		$(if $(KEY),--key "$(KEY)")

rebuild: install ## тексты запуска заново из сохранённых ответов, без оплаты: RUN_ID=... [LINE=+74951234567]
	@$(OPS) run -- $(VENV)/python -m jobs.rebuild --run-id "$(RUN_ID)" $(if $(LINE),--line "$(LINE)")

replay: install ## записи периода другой моделью, рядом с текстами (платно): FROM= TO= MODEL= [CONNECTION=] [LIMIT=] [RATE=] [ADOPT=true]
	@$(OPS) run -- $(VENV)/python -m jobs.replay --model "$(MODEL)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(CONNECTION),--connection "$(CONNECTION)") $(if $(LIMIT),--limit "$(LIMIT)") \
		$(if $(RATE),--rate "$(RATE)") $(if $(ADOPT),--adopt="$(ADOPT)") $(if $(OUT),--out "$(OUT)")

deliver: install ## тексты, саммари (и аудио) выгруженного периода — в его папку: FROM=... TO=... [AUDIO=true] [MASK=true]
	@$(OPS) run -- $(VENV)/python -m jobs.deliver $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(AUDIO),--audio="$(AUDIO)") $(if $(MASK),--mask="$(MASK)")

resume: install ## продолжить незаконченные записи запуска: RUN_ID=... [DLQ=true — и отложенные в DLQ]
	@$(EXPORT) --resume --run-id "$(RUN_ID)" $(if $(DLQ),--replay-dlq="$(DLQ)")

qa: install ## проверка качества: RUN_ID=... — выборка; OUT=файл.csv — таблицей; FILE=файл.csv BY=имя — прочесть её
	@$(OPS) run -- $(VENV)/python -m jobs.qa $(if $(RUN_ID),--run-id "$(RUN_ID)") $(if $(OUT),--out "$(OUT)") \
		$(if $(FILE),--file "$(FILE)") $(if $(CALL_ID),--call-id "$(CALL_ID)") \
		$(if $(RECORD_ID),--record-id "$(RECORD_ID)") $(if $(RESULT),--result "$(RESULT)") \
		$(if $(COMMENT),--comment "$(COMMENT)") $(if $(BY),--by "$(BY)")

reset: install ## начать период заново: тексты купятся ещё раз; без YES=true — только цена: FROM= TO= [LINE=] [CALL_ID=] [YES=true REASON="..."]
	@$(OPS) run -- $(VENV)/python -m jobs.reset --from "$(FROM)" --to "$(TO)" $(if $(LINE),--line "$(LINE)") \
		$(if $(CALL_ID),--call-id "$(CALL_ID)") $(if $(REASON),--reason "$(REASON)") $(if $(BY),--by "$(BY)") \
		$(if $(YES),--yes="$(YES)")

hold: install ## удержание вопреки срокам хранения: [CALL_ID=... | LINE=... | FROM=... TO=...] REASON="..." [UNTIL=2027-01-01] [BY="..."], LIFT=номер
	@$(OPS) run -- $(VENV)/python -m jobs.hold $(if $(CALL_ID),--call-id "$(CALL_ID)") $(if $(LINE),--line "$(LINE)") \
		$(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(REASON),--reason "$(REASON)") \
		$(if $(BY),--by "$(BY)") $(if $(UNTIL),--until "$(UNTIL)") $(if $(LIFT),--lift "$(LIFT)")

audit: install ## журнал доступа и проверка, что он цел: [FROM=2025-08-01] [TO=2025-08-31] [HEAD=номер:хэш]
	@$(OPS) run -- $(VENV)/python -m jobs.audit $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(HEAD),--head "$(HEAD)")

.PHONY: index
index: install ## тексты, купленные до браузера звонков, — в его поиск; продолжает, где прервали: [ANEW=true]
	@$(OPS) run -- $(VENV)/python -m jobs.index $(if $(ANEW),--anew="$(ANEW)")

erase-again: install ## после восстановления копии: стереть снова всё, что было стёрто по требованию
	@$(OPS) run -- $(VENV)/python -m jobs.erase_again

roles: install ## роли этого пакета в Airflow (AUTH_MANAGER=fab) заново, на работающей системе
	@$(OPS) roles

sql: install ## psql на базе состояния: call_exports, call_records, call_events, call_export_dlq; ROLE=read — без номеров и имён
	@$(OPS) pg --role "$(or $(ROLE),app)" psql

backup: install ## копия баз и файлов во второе место (BACKUP_URL), проверенная восстановлением
	@$(OPS) backup

verify-backup: install ## проверить копию: [FROM=номер, без него последняя] [FILES=true — и каждый файл]
	@$(OPS) verify-backup $(if $(FROM),"$(FROM)") $(if $(filter true,$(FILES)),--files)

restore: install ## вернуть копию в пустые базы: FROM=latest или номер [ASIDE=true] [INTO=другая_база] [FILES=false]
	@$(OPS) restore "$(FROM)" $(if $(INTO),--into "$(INTO)") $(if $(filter true,$(ASIDE)),--aside) \
		$(if $(filter false,$(FILES)),--no-files)

backup-key: install ## новый ключ для BACKUP_KEY; храните его и вне этой машины
	@$(OPS) backup-key

# Three pytest processes. Tests of a running Airflow mostly wait, and share one: starting it and its first run take a minute.
WITH_AIRFLOW := tests/airflow tests/browser tests/integration/ops/one_machine/test_launcher.py
ON_ONE_AIRFLOW := $(patsubst %,tests/airflow/test_%.py,\
	approval_on_airflow meeting_runs_on_airflow plugin_on_airflow running_system secrets_stay_secret runbook_commands) \
	$(patsubst %,tests/browser/test_%.py,call_browser_in_airflow run_in_the_ui approval_in_the_ui)

# `.ci/run` has 20 minutes: the tests marked `long` are run before a release and every night.
WHICH := $(if $(LONG),,-m "not long")

test: install-dev ## тесты; LONG=true — и долгие, полчаса; PYTEST="tests/unit -k name" — только эти
ifdef PYTEST
	@$(VENV)/python -m pytest $(PYTEST)
else
	@$(MAKE) --no-print-directory -k -j3 --output-sync=target test-airflow test-browser test-without-airflow
endif

test-cluster: ## тесты с настоящими Celery, Kubernetes и OpenLineage: своё окружение .venv-cluster, redis-server; каждую ночь
	@$(PYTHON) ops/one_machine/bootstrap.py cluster-tests
	@CLUSTER_TESTS=1 .venv-cluster/bin/python -m pytest -m cluster tests/airflow

test-airflow:
	@$(VENV)/python -m pytest $(WHICH) $(ON_ONE_AIRFLOW)

test-browser:
	@$(VENV)/python -m pytest $(WHICH) $(WITH_AIRFLOW) $(addprefix --ignore=,$(ON_ONE_AIRFLOW))

test-without-airflow:
	@$(VENV)/python -m pytest $(WHICH) -n 2 --dist worksteal $(addprefix --ignore=,$(WITH_AIRFLOW))

lint: install-dev ## стиль, границы между частями
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports

types: install-dev ## проверка типов
	@$(VENV)/mypy

bench: install-dev ## измерения, таблицами: [FULL=1] — полные размеры и целые выгрузки под Airflow, часы
	@$(VENV)/python -m trials.bench $(if $(FULL),--full)

mutate: install-dev ## вынуть по одной защиты из копии кода: каждую должен хватиться тест; [ONLY=имя]
	@$(VENV)/python -m trials.mutate $(if $(ONLY),--only "$(ONLY)")

chaos: install ## убивать процессы во время выгрузки и проверить, что ничего не потеряно: [KILLS=20] [CALLS=200] [SEED=1]
	@$(VENV)/python -m trials.chaos $(if $(KILLS),--kills "$(KILLS)") $(if $(CALLS),--calls "$(CALLS)") $(if $(SEED),--seed "$(SEED)")

chaos-hosts: ## то же на двух изолированных машинах с Celery: root, redis-server; [KILLS=20] [CALLS=] [SEED=1]
	@$(PYTHON) ops/one_machine/bootstrap.py cluster-tests
	@.venv-cluster/bin/python -m trials.hosts kills $(if $(KILLS),--kills "$(KILLS)") $(if $(CALLS),--calls "$(CALLS)") $(if $(SEED),--seed "$(SEED)")

# Scores of calls
QUALITY := $(OPS) run -- $(VENV)/python -m jobs.quality

.PHONY: score quality-sheet calibrate quality-export
score: install ## оценить тексты без оценки: [FROM= TO=] [CARD=] [LIMIT=] [DRY_RUN=true]
	@$(QUALITY) score $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(CARD),--card "$(CARD)") \
		$(if $(LIMIT),--limit "$(LIMIT)") $(if $(DRY_RUN),--dry-run "$(DRY_RUN)")

quality-sheet: install ## набор калибровки: CARD= N= FROM= TO= OUT=набор.xlsx или .csv, заполненный — CARD= FILE=набор.xlsx BY="имя"
	@$(QUALITY) $(if $(FILE),verdicts --card "$(CARD)" --file "$(FILE)" $(if $(BY),--by "$(BY)"),sheet --card "$(CARD)" \
		$(if $(N),--count "$(N)") --from "$(FROM)" --to "$(TO)" --out "$(OUT)")

calibrate: install ## насколько модель согласна с людьми: CARD= [PROVIDER=] [REPEATS=]
	@$(QUALITY) calibrate --card "$(CARD)" $(if $(PROVIDER),--provider "$(PROVIDER)") $(if $(REPEATS),--repeats "$(REPEATS)")

quality-export: install ## оценки периода таблицей: FROM= TO= OUT=оценки.csv или .xlsx
	@$(QUALITY) export --from "$(FROM)" --to "$(TO)" --out "$(OUT)"

# Ticket sales and ads; `make install-sales` adds the client of ClickHouse and the embedded engine.
SALES := $(OPS) run -- $(VENV)/python -m jobs.sales

sales-demo: install-sales ## продажи и реклама: источники понарошку, встроенный ClickHouse, 30 дней, возврат, отказ API, копия
	@$(OPS) sales-demo

install-sales: install
	@$(PYTHON) ops/one_machine/bootstrap.py sales

sales: install ## продажи и реклама: свежесть источников, последние запуски, открытые оповещения
	@$(SALES) status

sales-load: install ## загрузить источник сейчас: SOURCE= [FROM= TO= | DAYS=1] [ACCOUNT=] [DRY_RUN=true] [ACCEPT_SHRINK=true]
	@$(SALES) load --source "$(SOURCE)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(DAYS),--days "$(DAYS)") $(if $(ACCOUNT),--account "$(ACCOUNT)") $(if $(DRY_RUN),--dry-run "$(DRY_RUN)") \
		$(if $(ACCEPT_SHRINK),--accept-shrink "$(ACCEPT_SHRINK)")

sales-backfill: install ## заполнить задним числом: SOURCE= FROM= TO= [REDO=true]
	@$(SALES) backfill --source "$(SOURCE)" --from "$(FROM)" --to "$(TO)" $(if $(REDO),--redo "$(REDO)")

sales-on: install ## включить расписание источника: SOURCE=gmail
	@$(SALES) on --source "$(SOURCE)"

sales-off: install ## выключить расписание источника: SOURCE=gmail
	@$(SALES) off --source "$(SOURCE)"

sales-alerts: install ## открытые оповещения; подтвердить: ACK=номер BY=имя
	@$(SALES) alerts $(if $(ACK),--ack "$(ACK)") $(if $(BY),--by "$(BY)")

sales-migrate: install ## миграции, витрины и права ClickHouse: [DRY_RUN=true]
	@$(SALES) migrate $(if $(DRY_RUN),--dry-run "$(DRY_RUN)")

sales-sql: install ## запрос к ClickHouse: QUERY="SELECT ..."
	@$(SALES) sql --query "$(QUERY)"

sales-report: install ## отчёт о продажах и рекламе, страницей и PDF: [OUT=папка]
	@$(SALES) report $(if $(OUT),--out "$(OUT)")

sales-backup: install ## копия базы ClickHouse: [MODE=full]
	@$(SALES) backup $(if $(MODE),--mode "$(MODE)")

sales-backup-verify: install ## какие копии есть и проверены ли: [JSON=true]
	@$(SALES) backup-verify $(if $(JSON),--json "$(JSON)")

sales-restore: install ## заменить таблицы копией, с решением человека в Airflow: BACKUP=имя [TABLES=таблица,таблица]
	@$(SALES) restore --backup "$(BACKUP)" $(if $(TABLES),--tables "$(TABLES)")

sales-logs: install ## журнал последнего запуска источника: SOURCE= [RUN=номер запуска]
	@$(SALES) logs --source "$(SOURCE)" $(if $(RUN),--run "$(RUN)")

sales-health: install ## страница здоровья на переднем плане, порт ZAKAZ_HEALTH_PORT
	@$(SALES) health

sales-gmail-token: install-sales ## один раз, там, где есть браузер: согласие владельца ящика: CLIENT=файл.json
	@$(VENV)/python -m jobs.sales gmail-token --client "$(CLIENT)"

sales-restore-check: install ## восстановить копию рядом и сравнить: [BACKUP=имя]
	@$(SALES) restore-check $(if $(BACKUP),--backup "$(BACKUP)")

stt-smoke: install ## проверка распознавателя плейлистом: PLAYLIST=... [REPORT=] [ENGINE=] [AGAINST=] [FRESH=true] [LIMIT=]
	@$(OPS) stt-smoke -- $(if $(PLAYLIST),--playlist "$(PLAYLIST)") $(if $(REPORT),--report "$(REPORT)") \
		$(if $(ENGINE),--engine "$(ENGINE)") $(if $(AGAINST),--against "$(AGAINST)") \
		$(if $(filter true,$(FRESH)),--fresh) $(if $(LIMIT),--limit "$(LIMIT)")

trial-stt: ## проба с настоящим распознавателем (Whisper base): [PART=texts] — 150 МБ модели, своё окружение .venv-stt
	@$(PYTHON) ops/one_machine/bootstrap.py stt
	@.venv-stt/bin/python -m trials.real_recogniser $(PART)

.PHONY: trial-containers docs
trial-containers: install-dev ## образ и compose настоящим движком: root, пакеты docker.io docker-compose debootstrap; минуты
	@$(VENV)/python -m trials.containers

docs: ## документы сайтом, с поиском: build/docs/index.html; мёртвая ссылка — ошибка
	@$(PYTHON) ops/one_machine/bootstrap.py docs
	@.venv-docs/bin/sphinx-build -q -W --keep-going -b html -c docs/site . build/docs

# Asks PyPI's vulnerability service, which a closed network does not reach: .ci/run does it with AUDIT_PACKAGES=1. --strict: a package that
# could not be looked up is a failure, not a pass.
audit-packages: install-dev ## известные уязвимости зафиксированных версий; нужен доступ к pypi.org
	@for lock in requirements-one-machine.txt requirements-dev.txt requirements-docs.txt requirements-uv.txt; do \
		$(VENV)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

install-models: install ## пакеты языковых моделей: для FF_LLM_ROUTING_ENABLED
	@$(PYTHON) ops/one_machine/bootstrap.py models

install-cluster: install ## пакеты нескольких машин: для EXECUTOR=celery и EXECUTOR=kubernetes
	@$(PYTHON) ops/one_machine/bootstrap.py cluster

lock: install-dev ## заново зафиксировать версии зависимостей
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-uv.in -o requirements-uv.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements.in -o requirements.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-alerts.in -o requirements-alerts.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-one-machine.in -o requirements-one-machine.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-sales.in -o requirements-sales.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-sales-demo.in -o requirements-sales-demo.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-models.in -o requirements-models.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-cluster.in -o requirements-cluster.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-dev.in -o requirements-dev.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-cluster-tests.in -o requirements-cluster-tests.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-stt.in -o requirements-stt.txt
	@$(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-docs.in -o requirements-docs.txt

install:
	@$(PYTHON) ops/one_machine/bootstrap.py

install-dev:
	@$(PYTHON) ops/one_machine/bootstrap.py dev
