"""Settings -> the environment of every Airflow process, for `make up`, `make export` and the containers alike."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL

from include.calls.names import DAG_ID
from ops.settings.authorities import authorities
from ops.settings.connections import connections
from ops.settings.database_roles import backup_login, in_use
from ops.settings.databases import Databases
from ops.settings.env_file import NOT_FOR_PROCESSES, Settings
from ops.settings.executors import executor_options
from ops.settings.generated_secrets import ADMIN, SECURITY, TASKS, Generated, passwords_file
from ops.settings.pools import pools
from ops.settings.profile import REPOSITORY, Runtime

HOST = "127.0.0.1"
# Slots for tasks outside the pools: open_run, plan, publish and close_run of a few runs at the same time.
SPARE_SLOTS = 4
# Rules of OpenLineage's provider: the export, without its source, and no other DAG. Locked: no DAG file opens them.
LINEAGE_POLICY = (
    {"scope": {}, "controls": {"emit": False}},
    {"scope": {"dag_id": DAG_ID}, "controls": {"emit": True, "include_source_code": False}},
    {"scope": {"dag_id": "call_erasure.*"}, "match_mode": "regex", "controls": {"emit": False}, "locked": True},
)
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


def airflow_environment(
    settings: Settings,
    runtime: Runtime,
    keys: Generated,
    *,
    state_url: str,
    metadata_url: str,
    api_url: str | None = None,
    by_person: bool = False,
    dumping_as: tuple[str, str] | None = None,
) -> dict[str, str]:
    """The variables that Airflow's processes need in addition to the environment in which they are started.

    `state_url` and `metadata_url` are libpq URLs; `api_url` is where the other processes find the api-server: this
    machine's own port if not given. `by_person`: the command line acts for a person. `AIRFLOW__*` variables of the
    environment and of `.env` override ours: this is how an operator changes one value on one machine. `dumping_as`:
    user and password of the database for backups.
    """
    api_url = api_url or local_url(settings, runtime.env_file)
    ours = {
        **_folders(runtime),
        **authorities(settings, runtime),
        "CALL_EXPORT_SCHEDULE_HELD_BY": str(runtime.schedule_held),
        **_core(settings, runtime, keys, metadata_url, api_url),
        **{
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(c)
            for name, c in connections(
                settings,
                runtime,
                keys,
                state_url=state_url,
                api_url=api_url,
                by_person=by_person,
                dumping_as=dumping_as,
            ).items()
        },
        **settings.policy_overrides,
        **({"CALL_EXPORT_QUEUES": "true"} if settings.executor == "celery" else {}),
        **_for_the_dag_file(settings),
        **_for_the_sales_dags(settings),
        **_for_the_quality_dag(settings),
    }
    return ours | _special(runtime.env_file)


def process_environment(
    settings: Settings,
    runtime: Runtime,
    keys: Generated,
    databases: Databases,
    api_url: str | None = None,
    *,
    by_person: bool = False,
) -> dict[str, str]:
    """The whole environment of a process of the system; `by_person`: of a command that a person has typed.

    Processes log in to the databases as the roles that `ops/settings/database_roles.py` has made.
    """
    # Tasks read connections only: the settings, secrets among them, are not inherited.
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_FOR_PROCESSES}
    dumping_as = backup_login(databases, runtime, keys)
    databases = in_use(databases, runtime, keys)
    ours = airflow_environment(
        settings,
        runtime,
        keys,
        state_url=databases.state_url,
        metadata_url=databases.metadata_url,
        api_url=api_url,
        by_person=by_person,
        dumping_as=dumping_as,
    )
    return inherited | ours


def _for_the_dag_file(settings: Settings) -> dict[str, str]:
    """The variables that `include/calls/schedule.py` reads while the DAG is parsed, from .env or policy.yaml."""
    policy = settings.policy
    return {
        "CALL_EXPORT_CRON": policy.schedule.cron,
        "CALL_EXPORT_SLA_HOURS": str(policy.schedule.sla_hours),
        "B24_BACKOFF_SECONDS": str(policy.portal.backoff_seconds),
        "STT_BACKOFF_SECONDS": str(policy.stt.backoff_seconds),
    }


def _for_the_sales_dags(settings: Settings) -> dict[str, str]:
    """The variables that `include/sales/schedule.py` reads while DAGs are parsed, and the health page's port."""
    if not settings.sales_configured:
        return {}
    found = {"SALES_TIMEZONE": settings.sales_policy.time.zone, "ZAKAZ_HEALTH_PORT": str(settings.zakaz_health_port)}
    return found | {
        name: cron for name, cron in (("VK_CRON", settings.vk_cron), ("DIRECT_CRON", settings.direct_cron)) if cron
    }


def _for_the_quality_dag(settings: Settings) -> dict[str, str]:
    """The variables that `include/call_centre/schedule.py` reads while the DAG is parsed; none where it is off."""
    policy = settings.call_centre_policy
    return {"QUALITY_ENABLED": "true", "CALLCENTER_TIMEZONE": policy.time.zone} if policy.quality.enabled else {}


def local_url(settings: Settings, env_file: Path) -> str:
    """Airflow's UI and API on this machine.

    Under a proxy's prefix (`AIRFLOW__API__BASE_URL` with a path) Airflow has it here, too: without it the parts that it
    mounts, the tasks' API among them, do not find their own routes.
    """
    prefix = urlsplit(_special(env_file).get("AIRFLOW__API__BASE_URL", "")).path.rstrip("/")
    return f"http://{HOST}:{settings.airflow_port}{prefix}"


def metadata_sqlalchemy_url(metadata_url: str) -> str:
    """SQLAlchemy's form of a libpq URL; the folder of a unix socket goes into the query."""
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
    """Folders of all caches and configurations: every file is written inside the clone."""
    no_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY"), HOST, "localhost")))
    return {
        "AIRFLOW_HOME": str(runtime.airflow_home),
        "HOME": os.environ.get("HOME") or str(runtime.home),
        "XDG_CACHE_HOME": str(runtime.cache),
        "XDG_CONFIG_HOME": str(runtime.cache),
        "MPLCONFIGDIR": str(runtime.cache),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys((str(runtime.root), str(REPOSITORY)))),
        "PYTHONDONTWRITEBYTECODE": "",  # compiled files are kept: without them each task start takes seconds longer
        "CALL_EXPORT_RUNTIME": str(runtime.home),  # marks the processes of this profile for `make down`
        "NO_PROXY": no_proxy,  # tasks reach our own api-server without the company's proxy
        "no_proxy": no_proxy,
    }


def _core(settings: Settings, runtime: Runtime, keys: Generated, metadata_url: str, api_url: str) -> dict[str, str]:
    plan = pools(settings)
    lines = sum(int(pool["slots"]) for pool in plan.values())
    slots = lines + SPARE_SLOTS
    sqlalchemy_url = metadata_sqlalchemy_url(metadata_url)
    options: dict[str, object] = {
        "core__parallelism": slots,
        "core__max_active_tasks_per_dag": slots,
        "core__dags_folder": runtime.root / "dags",
        "core__plugins_folder": runtime.root / "plugins",
        "core__lazy_load_plugins": True,
        "core__load_examples": False,
        "core__dags_are_paused_at_creation": False,
        "core__fernet_key": keys.fernet_key,
        # Parameters of call_erasure: Airflow's log of actions shows *** in their place.
        "core__sensitive_var_conn_names": "erase_number,erase_call_id",
        "core__execution_api_server_url": f"{api_url}/execution/",
        # Of no effect without OpenLineage's provider. It would send the parameters of every DAG, call_erasure's too.
        "openlineage__emission_policy": json.dumps(LINEAGE_POLICY),
        "openlineage__custom_run_facets": "plugins.calls.openlineage_facets.of_run",
        "database__sql_alchemy_conn": sqlalchemy_url,
        # asyncpg refuses parameters of libpq (sslmode, ...).
        "database__sql_alchemy_conn_async": sqlalchemy_url.replace("+psycopg2", "+psycopg", 1),
        "api__host": HOST,
        "api__port": settings.airflow_port,
        "api__base_url": local_url(settings, runtime.env_file),
        "api__secret_key": keys.api_secret_key,
        "api_auth__jwt_secret": keys.jwt_secret,
        # A task starts half of this later than it could, on average; with less, the scheduler's own work delays it.
        "scheduler__scheduler_idle_sleep_time": 0.4,
        "workers__min_heartbeat_interval": heartbeat_seconds(lines),
        # A killed task is noticed within 70 s: a restarted system must continue within five minutes.
        "scheduler__task_instance_heartbeat_timeout": 60,
        "scheduler__task_instance_heartbeat_timeout_detection_interval": 10,
        # The next scheduler adopts the tasks of a dead one after 30 to 40 s (its heartbeat, then this check); killed
        # tasks are noticed only after that.
        "scheduler__orphaned_tasks_check_interval": 10,
        # A task survives a restart of PostgreSQL or the api-server. With 3 failed heartbeats, one a second, it would be
        # killed during a request that is being paid for.
        "workers__max_failed_heartbeats": 60,
        # A changed file is parsed at the next look at the folder; parsing unchanged ones took a sixth of a core.
        "dag_processor__refresh_interval": 30,
        "dag_processor__min_file_process_interval": 300,
        "logging__base_log_folder": runtime.logs / "tasks",
        "logging__dag_processor_child_process_log_directory": runtime.logs / "dag_processor",
        "logging__logging_level": settings.log_level,
        "logging__colored_console_log": False,
        "logging__json_logs": settings.log_format == "json",  # logs of the components; logs of tasks are always JSON
    }
    options |= _accounts(settings, runtime) | executor_options(settings)
    return {f"AIRFLOW__{name.upper()}": str(value) for name, value in options.items()}


def heartbeat_seconds(lines: int) -> int:
    """Seconds between heartbeats of a task: each is a request and an UPDATE.

    With 5 a short task holds its slot for five seconds (3.3.2).
    """
    return 1 if lines <= 50 else 5 if lines <= 200 else 10


def _accounts(settings: Settings, runtime: Runtime) -> dict[str, object]:
    """Who may log in: accounts in a file, or FAB's, where people get accounts of their own (`ops.prepare`)."""
    if settings.auth_manager == "fab":
        return {
            "core__auth_manager": FAB,
            # An operator's own file (LDAP, OAuth) is named by AIRFLOW__FAB__CONFIG_FILE.
            "fab__config_file": runtime.airflow_home / "webserver_config.py",
        }
    return {
        "core__simple_auth_manager_users": f"{ADMIN}:admin,{SECURITY}:op,{TASKS}:user",
        "core__simple_auth_manager_passwords_file": passwords_file(runtime),
    }


def _special(env_file: Path) -> dict[str, str]:
    """`AIRFLOW__*` variables of the environment and of `.env`."""
    written = dotenv_values(env_file) if env_file.exists() else {}
    return {name: value for name, value in {**written, **os.environ}.items() if name.startswith("AIRFLOW__") and value}
