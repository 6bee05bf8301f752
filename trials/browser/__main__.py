"""The call browser as a company runs it: FAB's auth manager, nginx with TLS and a prefix, two api-server workers.

    python -m trials.browser [PICTURES]        three minutes on a quiet machine; needs chromium, nginx, openssl

Five people of different roles log in and do their work in a real browser. Exit status: 0 everything was seen.
"""

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    os.environ["BROWSER_TRIAL_PICTURES"] = str(Path(*sys.argv[1:2] or ["build/browser_trial"]).absolute())
    here = str(Path(__file__).with_name("behind_nginx.py"))
    sys.exit(pytest.main(["-q", "-x", "-s", "-p", "tests.airflow.fixtures", here]))
