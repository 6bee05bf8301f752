"""Which alerts fire over a page of metrics: the product's own rules, judged by Prometheus's own tool."""

import shutil
import subprocess
from collections.abc import Set
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.paths import ROOT

RULES = ROOT / "ops" / "monitoring" / "rules" / "call_export.yml"
HAS_PROMTOOL = shutil.which("promtool") is not None


def check_firing(page: bytes, expected: Set[str], folder: Path) -> None:
    """The `expected` alerts, and no others, fire twenty minutes after the run that left this page has ended."""
    series = [{"series": 'up{job="call_export"}', "values": "1x40"}]
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            before = 0 if family.type in ("counter", "histogram") else sample.value
            series.append({"series": f"{sample.name}{{{labels}}}", "values": f"{before}x4 {sample.value}x35"})
    firing = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)]
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
                "eval_time": "18m",
                "exp_samples": firing,
            }
        ],
    }
    file = folder / "rules_test.yml"
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
