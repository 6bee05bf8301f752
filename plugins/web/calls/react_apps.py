"""The call browser as Airflow's plugin manager takes it: the react_apps, and the version of the files behind them.

Airflow looks a component up by the app's name, so the names here are those that `ui/main.js` sets. Addresses are
relative: Airflow's page resolves them behind any prefix.
"""

import hashlib
from pathlib import Path
from typing import Any

FILES = Path(__file__).with_name("ui")


def version_of(folder: Path) -> str:
    """Changes with every file. It is in the files' address, so that browsers keep them and never mix versions."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


VERSION = version_of(FILES)
STATIC = f"ui/static/{VERSION}"  # under `/call_export`
_FILES_OF_ALL = {
    "bundle_url": f"call_export/{STATIC}/main.js",
    "icon": f"call_export/{STATIC}/icon.svg",
    "icon_dark_mode": f"call_export/{STATIC}/icon_dark.svg",
}

SCORES_OF_RUN = "Оценки запуска"  # only where calls are scored
REACT_APPS: list[dict[str, Any]] = [
    {"name": "Звонки", **_FILES_OF_ALL, "destination": "nav", "url_route": "calls", "nav_top_level": True},
    {"name": "Звонки запуска", **_FILES_OF_ALL, "destination": "dag_run", "url_route": "calls-of-run"},
    {"name": SCORES_OF_RUN, **_FILES_OF_ALL, "destination": "dag_run", "url_route": "scores-of-run"},
    {"name": "Звонки пачки", **_FILES_OF_ALL, "destination": "task_instance", "url_route": "calls-of-batch"},
    {"name": "Выгрузка звонков", **_FILES_OF_ALL, "destination": "dashboard"},
]
