"""Asks an api-server with FAB, as each role, for each of the given routes; prints `{route: {role: status}}` as JSON.

    python tests/airflow/fab_matrix.py < routes.json

Accounts `as_<role>` are made for it. No port is opened: the application is called as a function.
"""

import json
import sys

from fastapi.testclient import TestClient

PASSWORD = "matrix-password"


def main(routes: list[tuple[str, str, object]], roles: list[str]) -> dict[str, dict[str, int]]:
    from plugins.web.fab_roles import Account, make

    logins = {role: f"as_{role.replace(' ', '_').lower()}" for role in roles}
    make([Account(login=login, password=PASSWORD, role=role) for role, login in logins.items()])

    from airflow.api_fastapi.app import create_app

    with TestClient(create_app(), raise_server_exceptions=False) as client:
        tokens = {
            role: client.post("/auth/token", json={"username": login, "password": PASSWORD}).json()["access_token"]
            for role, login in logins.items()
        }
        answers: dict[str, dict[str, int]] = {}
        for method, path, body in routes:
            asked = {"nobody": client.request(method, path, json=body).status_code}
            client.cookies.clear()
            for role, token in tokens.items():
                bearer = {"Authorization": f"Bearer {token}"}
                asked[role] = client.request(method, path, json=body, headers=bearer).status_code
                client.cookies.clear()
            answers[f"{method} {path}"] = asked
    return answers


if __name__ == "__main__":
    request = json.load(sys.stdin)
    print("MATRIX " + json.dumps(main(request["routes"], request["roles"])))
