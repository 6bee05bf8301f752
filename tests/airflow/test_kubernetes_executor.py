"""Airflow's own KubernetesExecutor with deploy/kubernetes, against a simulated API of Kubernetes.

Its packages are an extra lock: `make test-cluster` runs this, and without them nothing of it is run.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml

from ops.settings.executors import PODS
from ops.settings.profile import REPOSITORY
from simulators.kit.in_process import running
from simulators.kubernetes.app import KubernetesSimulator
from tests.airflow.system import eventually
from tests.kit import cluster as packages

packages.package("airflow.providers.cncf.kubernetes")

pytestmark = [pytest.mark.airflow, pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]

FOLDER = REPOSITORY / "deploy" / "kubernetes"
TOKEN = "a-token-of-this-test"
NAMESPACE = "calls"


@pytest.fixture
def cluster() -> KubernetesSimulator:
    return KubernetesSimulator()


@pytest.fixture(params=[True, False], ids=["concurrently", "one by one"])
def executor(
    request: pytest.FixtureRequest, cluster: KubernetesSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The executor of a scheduler whose kubeconfig leads to the simulator and whose pods are those of the template."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
    with running(cluster) as url:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "simulated", "cluster": {"server": url}}],
            "users": [{"name": "scheduler", "user": {"token": "t"}}],
            "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "scheduler"}}],
            "current-context": "simulated",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
        here = {
            "in_cluster": False,
            "config_file": tmp_path / "kubeconfig",
            "namespace": NAMESPACE,
            "pod_template_file": FOLDER / "pod_template.yaml",
            "async_pod_creation": request.param,
        }
        for name, value in (PODS | {f"kubernetes_executor__{name}": value for name, value in here.items()}).items():
            monkeypatch.setenv(f"AIRFLOW__{name.upper()}", str(value))
        from airflow.providers.cncf.kubernetes.executors.kubernetes_executor import KubernetesExecutor

        made = KubernetesExecutor(parallelism=8)
        made.job_id = "scheduler"
        made.start()
        yield made
        made.end()


def queued(executor: Any, task_id: str) -> Any:
    """A task is given to the executor, as the scheduler gives it; its key."""
    from airflow.executors.workloads import BundleInfo, ExecuteTask, TaskInstanceDTO

    of_task = {"dag_id": "call_export", "task_id": task_id, "run_id": "manual__1", "try_number": 1, "map_index": 3}
    of_queue = {"queue": "recogniser", "pool_slots": 1, "priority_weight": 1, "dag_version_id": uuid4()}
    ti = TaskInstanceDTO(id=uuid4(), **of_task, **of_queue)
    workload = ExecuteTask(
        ti=ti,
        dag_rel_path=Path("calls/call_export.py"),
        token=TOKEN,
        log_path="call_export/log",
        bundle_info=BundleInfo(name="dags-folder"),
    )
    executor.queue_workload(workload, None)
    return ti.key


def pod_of(executor: Any, cluster: KubernetesSimulator, task_id: str) -> str:
    """The name of the task's newest pod, once there is one."""

    def names() -> list[str]:
        executor.heartbeat()
        found = [pod["metadata"] for pod in cluster.pods.values()]
        return [one["name"] for one in found if one["annotations"]["task_id"] == task_id]

    eventually(lambda: bool(names()), 60, f"no pod for {task_id}")
    return names()[-1]


def ended(executor: Any, key: Any) -> tuple[Any, Any]:
    """State and reason that the scheduler is told."""

    def is_over() -> bool:
        executor.heartbeat()
        return key not in executor.running

    eventually(is_over, 60, f"{key} has not ended")
    state, reason = executor.event_buffer[key]
    return state, reason


def test_the_pod_of_a_task_is_the_template_with_airflows_arguments(executor: Any, cluster: KubernetesSimulator) -> None:
    queued(executor, "batch.transcribe")
    pod_of(executor, cluster, "batch.transcribe")
    (pod,) = cluster.created
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    template = yaml.safe_load((FOLDER / "pod_template.yaml").read_text(encoding="utf-8"))
    (container,), (of_template,) = pod["spec"]["containers"], template["spec"]["containers"]
    assert container["image"] == of_template["image"]
    assert not container.get("command"), "the image's entry point makes the connections"
    assert container["args"][:4] == ["python", "-m", "airflow.sdk.execution_time.execute_workload", "--json-string"]
    assert TOKEN in container["args"][4]
    for name in ("envFrom", "resources", "securityContext", "volumeMounts"):
        assert container[name] == of_template[name], name
    for name in set(template["spec"]) - {"containers"}:
        assert pod["spec"][name] == template["spec"][name], name
    assert template["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    assert pod["metadata"]["annotations"]["map_index"] == "3"


def test_what_becomes_of_a_pod_is_what_the_scheduler_is_told(executor: Any, cluster: KubernetesSimulator) -> None:
    keys = {name: queued(executor, name) for name in ("good", "killed", "evicted")}
    pods = {name: pod_of(executor, cluster, name) for name in keys}
    for name in pods.values():
        cluster.set_phase(name, "Running")
    cluster.set_phase(pods["good"], "Succeeded", exit_code=0, reason="Completed")
    assert ended(executor, keys["good"])[0] != "failed", "the task itself has said how it ended"
    assert pods["good"] not in cluster.pods, "a pod that is done is removed"
    cluster.set_phase(pods["killed"], "Failed", exit_code=137, reason="OOMKilled")
    assert ended(executor, keys["killed"])[0] == "failed"
    assert pods["killed"] in cluster.pods, "a failed pod stays for a person"
    cluster.remove(pods["evicted"])
    assert ended(executor, keys["evicted"])[0] == "failed"


def test_a_full_quota_and_a_busy_api_are_waited_for(executor: Any, cluster: KubernetesSimulator) -> None:
    cluster.refuse = [403, 429, 503]
    queued(executor, "batch.download")
    assert pod_of(executor, cluster, "batch.download")
    assert cluster.refuse == []


def test_the_scheduler_asks_nothing_that_its_role_does_not_allow(executor: Any, cluster: KubernetesSimulator) -> None:
    key = queued(executor, "batch.transcribe")
    cluster.set_phase(pod_of(executor, cluster, "batch.transcribe"), "Succeeded", exit_code=0, reason="Completed")
    ended(executor, key)
    documents = yaml.safe_load_all((FOLDER / "kubernetes_executor.yaml").read_text(encoding="utf-8"))
    (role,) = (one for one in documents if one["kind"] == "Role")
    allowed = {verb for rule in role["rules"] if "pods" in rule["resources"] for verb in rule["verbs"]}
    assert {"create", "list", "watch", "delete"} <= cluster.asked <= allowed
