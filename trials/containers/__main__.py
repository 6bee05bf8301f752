"""Builds the image and starts docker-compose.yaml as docs/containers.md says, up to a user who reads his texts.

    python -m trials.containers [--keep]

Needs root and the Debian packages docker.io, docker-compose and debootstrap; the first run takes some ten minutes,
later ones about five. The images of public registries are stand-ins (trials/containers/images): what is tried is ours:
image, entry point, every service's command, environment, user and volumes, and the order of the start. Exit status 1 if
a check failed.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
import typer
import yaml
from rich.console import Console
from rich.table import Table

from ops.settings.env_file import COMPOSE_ONLY
from ops.settings.profile import REPOSITORY
from trials.containers.engine import DEBIAN, STAND_INS, build, engine, missing, resolved

console = Console(highlight=False)
PORTS = {"AIRFLOW_PORT": "18080", "S3_PORT": "18333"}
SETTINGS = {
    "B24_BASE_URL": "http://outside:8000",
    "B24_WEBHOOK_USER_ID": "1",
    "B24_WEBHOOK_TOKEN": "token-of-the-trial",
    "RECORDING_HOSTS": "outside:8000",
    "OPENAI_BASE_URL": "http://outside:8001/v1",
    "OPENAI_API_KEY": "key-of-the-trial",
    "UNPROTECTED_HOSTS": "outside",
    "POSTGRES_PASSWORD": "ownerofpostgres",
    "S3_ACCESS_KEY_ID": "access",
    "S3_SECRET_ACCESS_KEY": "secretofs3",
    "S3_ENCRYPTION_KEY": "sealofs3objects",
    "PAGERDUTY_ROUTING_KEY": "keyofpagerduty",
    **PORTS,
}
COMPONENTS = ("api-server", "dag-processor", "triggerer", "scheduler")
PERIOD = ("--from", "2025-08-01", "--to", "2025-08-02")
UP_SECONDS, HEALTHY_SECONDS, RUN_SECONDS = 240, 150, 300
Check = Callable[["Trial"], str]


@dataclass
class Trial:
    """One started system; `say` runs docker-compose in the project's folder."""

    project: Path
    environment: dict[str, str]
    url: str = f"http://127.0.0.1:{PORTS['AIRFLOW_PORT']}"
    results: list[tuple[str, str, str]] = field(default_factory=list)

    def compose(self, *arguments: str, seconds: int = RUN_SECONDS, profile: str = "cli") -> tuple[int, bytes, str]:
        command = ["docker-compose", "-p", "call-export", "-f", "resolved.yaml", "--profile", profile, *arguments]
        done = subprocess.run(
            command, cwd=self.project, env=self.environment, capture_output=True, timeout=seconds, check=False
        )
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def app(self, *command: str, status: int | None = 0) -> str:
        """docker compose run --rm app ..."""
        code, out, err = self.compose("run", "--rm", "-T", "app", *command)
        said = out.decode(errors="replace") + err
        assert status is None or code == status, said[-1500:]
        return said

    def inside(self, service: str, command: str) -> str:
        code, out, err = self.compose("exec", "-T", service, "sh", "-c", command)
        assert code == 0, err[-800:]
        return out.decode()

    def passes(self, number: str, what: str, check: Check) -> None:
        try:
            seen = check(self)
            self.results.append((number, what, seen))
            console.print(f"{number:4} {what}: {seen}", markup=False)
        except (AssertionError, LookupError, ValueError, OSError, subprocess.SubprocessError) as error:
            self.results.append((number, what, f"FAILED: {error}"))
            console.print(f"{number:4} {what}: FAILED: {error}", markup=False, style="red")


def main(*, keep: bool = False) -> None:
    if reason := missing():
        raise SystemExit(f"not run: {reason}")
    began = time.monotonic()
    with engine() as environment, tempfile.TemporaryDirectory(prefix="trial-containers-") as folder:
        project = Path(folder) / "call-export"
        _project(project)
        images = sorted(set(re.findall(r"(?:FROM|image:) (\S+)", _text(project))) & _known(project))
        build(images, project, environment)
        console.print(f"images built: {time.monotonic() - began:.0f} s")
        trial = Trial(project, environment)
        _compose_file(trial)
        trial.compose("down", "--volumes", "--remove-orphans")
        try:
            for number, what, check in CHECKS:
                trial.passes(number, what, check)
            if keep:
                console.input("the system runs; Enter ends it ")
        finally:
            trial.compose("down", "--volumes", "--remove-orphans", profile="monitoring")
    _show(trial)
    console.print(f"{time.monotonic() - began:.0f} s")
    raise SystemExit(any("FAILED" in seen for _, _, seen in trial.results))


def _text(project: Path) -> str:
    return "".join((project / name).read_text(encoding="utf-8") for name in ("Dockerfile", "docker-compose.yaml"))


def _known(project: Path) -> set[str]:
    return {image for image in re.findall(r"\S+", _text(project)) if image.partition(":")[0] in STAND_INS}


def _project(project: Path) -> None:
    """The files of a clone, and `.env` made from the example as a user does."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, project / name)
    lines = (project / ".env.example").read_text(encoding="utf-8").splitlines()
    filled = [f"{line}{SETTINGS.get(line.removesuffix('='), '')}" if line.endswith("=") else line for line in lines]
    (project / ".env").write_text("\n".join(filled), encoding="utf-8")


def _compose_file(trial: Trial) -> None:
    """docker-compose.yaml with the outside world, which the trial adds as a container, and without Grafana."""
    interpreter = [f"{path}:{path}:ro" for path in dict.fromkeys((sys.prefix, sys.base_prefix))]
    added = {
        "s3": {"environment": {"PYTHON": sys.executable}, "volumes": interpreter},
        "outside": {
            "image": DEBIAN,
            "command": [
                sys.executable,
                "-m",
                "trials.containers.outside",
                *_given("B24_WEBHOOK_TOKEN", "OPENAI_API_KEY"),
            ],
            "working_dir": "/clone",
            "volumes": [*interpreter, f"{trial.project}:/clone:ro"],
            "networks": ["airflow"],
        },
    }
    (trial.project / "trial.yaml").write_text(yaml.safe_dump({"services": added}), encoding="utf-8")
    found: dict[str, Any] = resolved(trial.project, "docker-compose.yaml", "trial.yaml")
    del found["services"]["grafana"]
    (trial.project / "resolved.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")


def _given(*names: str) -> list[str]:
    return [SETTINGS[name] for name in names]


def starts(trial: Trial) -> str:
    began = time.monotonic()
    code, _, said = trial.compose("up", "-d", "outside", *COMPONENTS, seconds=UP_SECONDS)
    assert code == 0, said[-1500:] + trial.compose("logs", "init")[1].decode()[-1500:]
    return f"up on the first try, {time.monotonic() - began:.0f} s from empty volumes"


def tells_where_data_goes(trial: Trial) -> str:
    said = trial.compose("logs", "--no-color", "init")[1].decode()
    assert "s3://call-export (http://s3:8333)" in said, said
    assert "база: postgres" in said
    return "`init` says s3://call-export (http://s3:8333), postgres"


def tells_login(trial: Trial) -> str:
    said = trial.app("login")
    found = re.search(r"(http\S+) +вход: (\w+) / (\S+)", said)
    assert found, said
    url, login, password = found.groups()
    assert url == trial.url, url
    token = requests.post(f"{url}/auth/token", json={"username": login, "password": password}, timeout=20)
    assert token.status_code == 201, token.text
    page = requests.get(url, timeout=20)
    assert page.status_code == 200
    (trial.project / "login").write_text(f"{login} {password}", encoding="utf-8")
    return f"{url}, logged in as {login}"


def is_healthy(trial: Trial) -> str:
    until = time.monotonic() + HEALTHY_SECONDS
    while True:
        states = {name: _health(trial, name) for name in (*COMPONENTS, "postgres", "s3")}
        if set(states.values()) == {"healthy"} or time.monotonic() > until:
            assert set(states.values()) == {"healthy"}, str(states)
            return "six services healthy by the file's own checks"
        time.sleep(3)


def _health(trial: Trial, service: str) -> str:
    name = f"call-export_{service}_1"
    command = ["docker", "inspect", "-f", "{{.State.Health.Status}}", name]
    return subprocess.run(command, env=trial.environment, capture_output=True, text=True, check=True).stdout.strip()


def exports(trial: Trial) -> str:
    began = time.monotonic()
    trial.app("python", "-m", "jobs.call_export", *PERIOD)
    return f"the runbook's command ends with 0 after {time.monotonic() - began:.0f} s"


def fetches(trial: Trial) -> str:
    code, archive, said = trial.compose("run", "--rm", "-T", "app", "python", "-m", "jobs.fetch", *PERIOD)
    assert code == 0, said
    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        names = opened.getnames()
        texts = [name for name in names if "/transcripts/" in name]
        (registry,) = [name for name in names if name.endswith(".csv")]
        content = opened.extractfile(texts[0])
        assert content is not None
        assert content.read().startswith(b"CALL_ID: ")
    return f"{len(names)} files in the archive, {len(texts)} texts, {registry}"


def own_settings_win(trial: Trial) -> str:
    env = (trial.project / ".env").read_text(encoding="utf-8")
    try:
        own = {"S3_ENDPOINT_URL": "https://s3.example.com", "DATABASE_URL": "postgresql://u:p@db.example.com/calls"}
        (trial.project / ".env").write_text(
            "\n".join(f"{line}{own.get(line.removesuffix('='), '')}" for line in env.splitlines()), encoding="utf-8"
        )
        services: Any = resolved(trial.project, "docker-compose.yaml")["services"]
        found = services["scheduler"]["environment"]
        assert {name: found[name] for name in own} == own
    finally:
        (trial.project / ".env").write_text(env, encoding="utf-8")
    return "S3_ENDPOINT_URL and DATABASE_URL of .env reach the containers"


def links_lead_here(trial: Trial) -> str:
    found = trial.inside("api-server", "tr '\\0' '\\n' < /proc/1/environ | grep BASE_URL").strip()
    assert found == f"AIRFLOW__API__BASE_URL={trial.url}", found
    return found


def tools_work(trial: Trial) -> str:
    said = trial.app("pg", "--role", "app", "psql", "-Atc", "SELECT current_user, count(*) FROM recordings")
    dump = trial.compose("run", "--rm", "-T", "app", "pg", "pg_dump", "-Fc")
    assert dump[1].startswith(b"PGDMP"), dump[2][-500:]
    return f"psql as {said.split('|')[0].strip()}, pg_dump {len(dump[1]) // 1024} KiB"


def settings_stay_outside(trial: Trial) -> str:
    for service in COMPONENTS:
        # `env -i`: the shell that asks is given the container's own environment by the engine
        asked = "exec env -i sh -c \"cat /proc/[0-9]*/environ | tr '\\\\0' '\\\\n'\""
        seen = trial.inside(service, asked)
        names = {line.partition("=")[0] for line in seen.splitlines()}
        assert not names & {"B24_WEBHOOK_TOKEN", "DATABASE_URL", "OPENAI_API_KEY", *COMPOSE_ONLY}, service
        for secret in _given("POSTGRES_PASSWORD", "S3_ENCRYPTION_KEY", "PAGERDUTY_ROUTING_KEY"):
            assert secret not in seen, f"{service}: {secret}"
    return "no process of the four components holds a setting or a password of the owner, process 1 included"


def roles_hold(trial: Trial) -> str:
    asked = "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_addr IS NOT NULL ORDER BY 1"
    users = trial.inside("postgres", f'psql -h /tmp -U call_export -Atc "{asked}"').split()
    assert "call_export" not in users, str(users)
    for statement in ("CREATE TABLE own (a int)", "DELETE FROM audit_log", "COPY (SELECT 1) TO PROGRAM 'true'"):
        refused = trial.app("pg", "--role", "app", "psql", "-c", statement, status=1)
        assert "permission denied" in refused, refused
    denied = trial.app("pg", "--role", "read", "psql", "-c", "SELECT * FROM recordings", status=1)
    assert "permission denied" in denied, denied
    return f"connected: {', '.join(users)}; the application makes no table, the reader sees no recording"


def takes_connections(trial: Trial) -> str:
    (found,) = trial.inside("postgres", "psql -h /tmp -U call_export -Atc 'SHOW max_connections'").split()
    assert found == "400"
    return "max_connections 400, seen in the server"


def commands_prepare_nothing(trial: Trial) -> str:
    def starts_of_init() -> str:
        command = ["docker", "inspect", "-f", "{{.State.StartedAt}}", "call-export_init_1"]
        return subprocess.run(command, env=trial.environment, capture_output=True, text=True, check=True).stdout

    before, began = starts_of_init(), time.monotonic()
    trial.app("login")
    assert starts_of_init() == before, "init ran again"
    return f"`run --rm app login` took {time.monotonic() - began:.1f} s and did not start `init`"


def other_users_may_run(trial: Trial) -> str:
    code, out, said = trial.compose("run", "--rm", "-T", "--user", "50000:0", "app", "login")
    assert code == 0, said
    assert b"admin" in out
    user = trial.inside("scheduler", "id -u; stat -c '%U:%g %a' /opt/call-export/var").split()
    assert user == ["50000", "airflow:0", "775"], str(user)
    return "user 50000 of group 0, volume airflow:0, mode 775"


def is_monitored(trial: Trial) -> str:
    code, _, said = trial.compose("up", "-d", "prometheus", "alertmanager", profile="monitoring")
    assert code == 0, said[-1500:]
    until = time.monotonic() + 90
    while True:
        asked = trial.inside("api-server", "curl -s http://prometheus:9090/api/v1/targets || true")
        targets = json.loads(asked or "{}").get("data", {}).get("activeTargets", [])
        if [one["health"] for one in targets] == ["up"]:
            break
        assert time.monotonic() < until, str(targets)
        time.sleep(3)
    rules = json.loads(trial.inside("api-server", "curl -s http://prometheus:9090/api/v1/rules"))["data"]["groups"]
    config = json.loads(trial.inside("api-server", "curl -s http://alertmanager:9093/api/v2/status"))["config"][
        "original"
    ]
    receivers = [one["name"] for one in yaml.safe_load(config)["receivers"]]
    assert receivers == ["pagerduty"], receivers
    alone = subprocess.run(
        ["docker", "exec", "call-export_prometheus_1", "bash", "-c", "exec 3<>/dev/tcp/postgres/5432"],
        env=trial.environment,
        capture_output=True,
        check=False,
    )
    assert alone.returncode != 0, "Prometheus reaches PostgreSQL"
    return (
        f"target up with the token of the volume, {sum(len(one['rules']) for one in rules)} rules loaded, receivers "
        f"{receivers} of what .env has, PostgreSQL out of reach"
    )


def survives_a_stop(trial: Trial) -> str:
    began = time.monotonic()
    assert trial.compose("stop", *COMPONENTS)[0] == 0
    stopped = time.monotonic() - began
    code, _, said = trial.compose("up", "-d", *COMPONENTS, seconds=UP_SECONDS)
    assert code == 0, said[-800:]
    (texts,) = re.findall(r"^\d+$", trial.app("pg", "psql", "-Atc", "SELECT count(*) FROM transcripts"), re.MULTILINE)
    return f"stopped in {stopped:.0f} s, up again, {texts} texts still there"


def says_why_init_failed(trial: Trial) -> str:
    elsewhere = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://nobody@postgres/airflow"
    code, out, said = trial.compose("run", "--rm", "-T", "-e", elsewhere, "init")
    said += out.decode()
    assert code != 0, "init ended well"
    assert "OperationalError" in said, said[-800:]
    return "the end of Airflow's own output is in the container's log"


CHECKS: list[tuple[str, str, Check]] = [
    ("C4", "first start", starts),
    ("C2", "where data goes", tells_where_data_goes),
    ("C2", "settings of .env", own_settings_win),
    ("C1", "address and login", tells_login),
    ("C6", "links", links_lead_here),
    ("C11", "health checks", is_healthy),
    ("C7", "an export", exports),
    ("C3", "the texts", fetches),
    ("C7", "psql and pg_dump", tools_work),
    ("C8", "settings and secrets", settings_stay_outside),
    ("C10", "roles of the database", roles_hold),
    ("C9", "connections", takes_connections),
    ("C13", "a command", commands_prepare_nothing),
    ("C15", "user and volume", other_users_may_run),
    ("C16", "monitoring", is_monitored),
    ("-", "stop and start", survives_a_stop),
    ("C5", "a failed init", says_why_init_failed),
]


def _show(trial: Trial) -> None:
    table = Table("no.", "what", "seen")
    for row in trial.results:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
