"""The app of `/call_export` for `trials/bench/browser.py`: prints the token of an administrator, then serves a port.

python -m trials.bench.browser_server PORT
"""

import sys

import airflow.settings
import uvicorn
from airflow.api_fastapi.app import get_auth_manager, init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models import import_all_models
from airflow.models.base import Base


def main(port: int) -> None:
    import_all_models()  # type: ignore[no-untyped-call]
    Base.metadata.create_all(airflow.settings.engine)  # asked for each token and DAG
    init_auth_manager()
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="bench", role="admin"))
    print("TOKEN", token, flush=True)
    from plugins.web.app import app

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
