"""Settings -> the environment of every Airflow process, for `make up`, `make export` and the containers alike."""

import json
import os
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL

from include.calls import names
from ops.settings.connections import connections
from ops.settings.generated_secrets import ADMIN, Generated, passwords_file
from ops.settings.profile import REPOSITORY, Runtime
from ops.settings.variables import Settings

METADATA_DATABASE = "airflow"
HOST = "127.0.0.1"
# Beside the pools' tasks: the DAG's single ones (open_run, plan, publish, close_run) of a few runs at once.
SPARE_SLOTS = 4


def airflow_environment(
    settings: Settings,
    runtime: Runtime,
    keys: Generated,
    *,
    state_url: str,
    metadata_url: str,
    api_url: str | None = None,
) -> dict[str, str]:
    """Everything that Airflow's processes need beyond the environment of the person who starts them.

    `state_url` and `metadata_url` are libpq URLs; `api_url` is where the other processes find the api-server: this
    machine's own port if not given. `AIRFLOW__*` variables of the environment and of `.env` win over ours: that is how
    one value is changed for a special machine.
    """
    api_url = api_url or local_url(settings)
    ours = {
        **_folders(runtime),
        **_core(settings, runtime, keys, metadata_url, api_url),
        **{
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(c)
            for name, c in connections(settings, runtime, keys, state_url=state_url, api_url=api_url).items()
        },
        **settings.policy_overrides,
        **_for_the_dag_file(settings),
    }
    return ours | _special(runtime.env_file)


def _for_the_dag_file(settings: Settings) -> dict[str, str]:
    """What `include/calls/schedule.py` reads while the DAG is parsed, wherever it was set: .env or policy.yaml."""
    policy = settings.policy
    return {
        "CALL_EXPORT_CRON": policy.schedule.cron,
        "CALL_EXPORT_SLA_HOURS": str(policy.schedule.sla_hours),
        "B24_BACKOFF_SECONDS": str(policy.portal.backoff_seconds),
        "STT_BACKOFF_SECONDS": str(policy.stt.backoff_seconds),
    }


def local_url(settings: Settings) -> str:
    """Airflow's UI and API on this machine."""
    return f"http://{HOST}:{settings.airflow_port}"


def pools(settings: Settings) -> dict[str, dict[str, Any]]:
    """Airflow pools in the form of `airflow pools import`."""
    policy = settings.policy
    return {
        # all requests together are paced to 2 a second by one row of PostgreSQL (D12): the pool bounds who asks
        names.PORTAL_POOL: {
            "slots": policy.portal.downloads_in_flight,
            "description": "Сколько задач сразу говорят с порталом",
            "include_deferred": False,
        },
        names.RECOGNISER_POOL: {
            "slots": policy.batches.lines,
            "description": "Сколько записей распознаётся сразу (TRANSCRIBE_CONCURRENCY)",
            "include_deferred": False,
        },
    }


def metadata_sqlalchemy_url(metadata_url: str) -> str:
    """Airflow's form of a libpq URL; a unix socket's folder goes into the query."""
    parts = {key: str(value) for key, value in conninfo_to_dict(metadata_url).items()}
    host = parts.pop("host", "")
    port = parts.pop("port", "")
    local = host.startswith("/")
    return URL.create(
        "postgresql+psycopg2",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        host=None if local else host,
        port=int(port) if port else None,
        database=parts.pop("dbname"),
        query=parts | ({"host": host} if local else {}),
    ).render_as_string(hide_password=False)


def _folders(runtime: Runtime) -> dict[str, str]:
    """Nothing is written outside the clone, whatever HOME is."""
    no_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY"), HOST, "localhost")))
    return {
        "AIRFLOW_HOME": str(runtime.airflow_home),
        "HOME": os.environ.get("HOME") or str(runtime.home),
        "XDG_CACHE_HOME": str(runtime.cache),
        "XDG_CONFIG_HOME": str(runtime.cache),
        "MPLCONFIGDIR": str(runtime.cache),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys((str(runtime.root), str(REPOSITORY)))),
        "PYTHONDONTWRITEBYTECODE": "",  # else each task would compile anew what it imports, seconds of it
        "CALL_EXPORT_RUNTIME": str(runtime.home),  # how `make down` recognises what is left over
        "NO_PROXY": no_proxy,  # tasks talk to our own api-server: never through a company's proxy
        "no_proxy": no_proxy,
    }


def _core(settings: Settings, runtime: Runtime, keys: Generated, metadata_url: str, api_url: str) -> dict[str, str]:
    plan = pools(settings)
    slots = sum(int(pool["slots"]) for pool in plan.values()) + SPARE_SLOTS
    sqlalchemy_url = metadata_sqlalchemy_url(metadata_url)
    options = {
        "core__executor": "plugins.airflow_kit.local_executor.LastingLocalExecutor",
        "core__parallelism": slots,
        "core__max_active_tasks_per_dag": slots,
        "core__dags_folder": runtime.root / "dags",
        "core__plugins_folder": runtime.root / "plugins",
        "core__lazy_load_plugins": True,
        "core__load_examples": False,
        "core__dags_are_paused_at_creation": False,
        "core__fernet_key": keys.fernet_key,
        "core__simple_auth_manager_users": f"{ADMIN}:admin",
        "core__simple_auth_manager_passwords_file": passwords_file(runtime),
        "core__execution_api_server_url": f"{api_url}/execution/",
        "database__sql_alchemy_conn": sqlalchemy_url,
        # asyncpg refuses libpq's own parameters (sslmode, ...)
        "database__sql_alchemy_conn_async": sqlalchemy_url.replace("+psycopg2", "+psycopg", 1),
        "api__host": HOST,
        "api__port": settings.airflow_port,
        "api__base_url": local_url(settings),
        "api__secret_key": keys.api_secret_key,
        "api_auth__jwt_secret": keys.jwt_secret,
        # what follows a task begins half of this later, on average; below, the scheduler's own work weighs
        "scheduler__scheduler_idle_sleep_time": 0.4,
        "workers__min_heartbeat_interval": 1,  # at 5 a short task holds its slot for five seconds (3.3.2)
        # a killed task is noticed within 70 s: a restart has to go on within five minutes (D19)
        "scheduler__task_instance_heartbeat_timeout": 60,
        "scheduler__task_instance_heartbeat_timeout_detection_interval": 10,
        # a dead scheduler's tasks become its successor's 30 to 40 s later (its own heartbeat, then this check): only
        # from then on can the killed among them be noticed
        "scheduler__orphaned_tasks_check_interval": 10,
        # a task lives through a restart of PostgreSQL or the api-server: at 3 failed beats, one a second, it would be
        # killed with a recording in hand that is being paid for
        "workers__max_failed_heartbeats": 60,
        "dag_processor__refresh_interval": 30,
        "logging__base_log_folder": runtime.logs / "tasks",
        "logging__dag_processor_child_process_log_directory": runtime.logs / "dag_processor",
        "logging__logging_level": settings.log_level,
        "logging__colored_console_log": False,
        "logging__json_logs": settings.log_format == "json",  # of the components; a task's own log always is JSON
    }
    return {f"AIRFLOW__{name.upper()}": str(value) for name, value in options.items()}


def _special(env_file: Path) -> dict[str, str]:
    """`AIRFLOW__*` set by a person."""
    written = dotenv_values(env_file) if env_file.exists() else {}
    return {name: value for name, value in {**written, **os.environ}.items() if name.startswith("AIRFLOW__") and value}
