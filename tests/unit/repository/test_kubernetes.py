"""deploy/kubernetes by the schemas of Kubernetes and by the product's own names; no cluster is needed."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from include.common.names import QUEUES
from ops.container_commands import names
from ops.one_machine.supervisor import ARGUMENTS
from ops.settings.env_file import VARIABLES
from ops.settings.profile import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
MANIFESTS = ("installation.yaml", "kubernetes_executor.yaml", "pod_template.yaml", "secret.example.yaml")
VERSION = kubernetes_validate.latest_version()


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


DOCUMENTS = [(name, document) for name in MANIFESTS for document in documents(name)]
DEPLOYMENTS = {each["metadata"]["name"]: each for _, each in DOCUMENTS if each["kind"] == "Deployment"}


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=lambda value: str(value)[:40])
def test_every_manifest_is_what_kubernetes_accepts(name: str, document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_misspelt_field_would_be_seen() -> None:
    pod = documents("pod_template.yaml")[0]
    pod["spec"]["terminationGracePeriod"] = pod["spec"].pop("terminationGracePeriodSeconds")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, VERSION, strict=True)


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_every_component_runs_as_the_launcher_runs_it() -> None:
    for name, arguments in ARGUMENTS.items():
        assert container_of(DEPLOYMENTS[name])["args"] == ["airflow", *arguments.split()]
    assert DEPLOYMENTS["scheduler"]["spec"]["replicas"] == 1


def test_workers_serve_every_queue_and_have_time_to_hand_back() -> None:
    workers = {name: each for name, each in DEPLOYMENTS.items() if name.startswith("worker-")}
    served = set()
    for each in workers.values():
        container = container_of(each)
        assert container["args"] == ["worker"]
        assert container["args"][0] in names()
        served |= {
            queue for one in container["env"] if one["name"] == "WORKER_QUEUES" for queue in one["value"].split(",")
        }
        assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 1200
    assert served == set(QUEUES)


def test_settings_are_those_of_the_product_and_come_from_one_secret() -> None:
    (secret,) = documents("secret.example.yaml")
    assert set(secret["stringData"]) <= VARIABLES
    for deployment in DEPLOYMENTS.values():
        container = container_of(deployment)
        assert container["envFrom"] == [{"secretRef": {"name": secret["metadata"]["name"]}}]
        given = {one["name"] for one in container["env"]}
        assert {name for name in given if not name.startswith("AIRFLOW__")} <= VARIABLES
    assert set(re.findall(r"name: ([A-Z_]+)$", (FOLDER / "values.yaml").read_text(), re.MULTILINE)) <= VARIABLES


def test_the_pod_of_a_task_leaves_the_entry_point_in_place() -> None:
    """The entry point makes connections of the settings; a `command` would replace it."""
    (pod,) = documents("pod_template.yaml")
    (container,) = pod["spec"]["containers"]
    assert container["name"] == "base"
    assert "command" not in container


def test_every_image_is_the_one_that_compose_builds() -> None:
    built = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8"))["x-airflow"]["image"]
    used = {image for name in MANIFESTS for image in re.findall(r"image: (\S+)", Path(FOLDER / name).read_text())}
    assert used == {built}


def patched(document: Any, change: Any) -> Any:
    """As `kubectl patch`: lists of named things are merged by name."""
    if isinstance(document, dict) and isinstance(change, dict):
        return document | {key: patched(document.get(key), value) for key, value in change.items()}
    if isinstance(document, list) and isinstance(change, list):
        by_name = {one["name"]: one for one in document}
        return list((by_name | {one["name"]: patched(by_name.get(one["name"]), one) for one in change}).values())
    return change


def test_the_patch_for_pods_of_tasks_fits_the_scheduler() -> None:
    """It gives the scheduler, and nobody else, an account; and the template at the place that Airflow is told."""
    (change,) = documents("kubernetes_scheduler.yaml")
    scheduler = patched(DEPLOYMENTS["scheduler"], change)
    kubernetes_validate.validate(scheduler, VERSION, strict=True)
    spec = scheduler["spec"]["template"]["spec"]
    made = {each["metadata"]["name"] for each in documents("kubernetes_executor.yaml")}
    assert made == {spec["serviceAccountName"]}
    assert spec["automountServiceAccountToken"]
    container = container_of(scheduler)
    assert container["args"] == container_of(DEPLOYMENTS["scheduler"])["args"]
    mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert {"var", "tmp", "pod-template"} <= set(mounted)
    given = {one["name"]: one.get("value") for one in container["env"]}
    template = Path(str(given["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"]))
    assert str(template.parent) == mounted["pod-template"]
    assert (FOLDER / template.name).exists()
    others = [each for name, each in DEPLOYMENTS.items() if name != "scheduler"]
    assert not any(each["spec"]["template"]["spec"]["automountServiceAccountToken"] for each in others)


@pytest.mark.skipif("CHART_DIR" not in os.environ, reason="CHART_DIR names a folder with the official chart")
def test_the_values_are_what_the_chart_accepts() -> None:
    """The chart is on no package index that tests may use: a person who has it runs this."""
    schema = json.loads((Path(os.environ["CHART_DIR"]) / "values.schema.json").read_text(encoding="utf-8"))
    (values,) = documents("values.yaml")
    jsonschema.validate(values, schema)
