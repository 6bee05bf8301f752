"""A batch's audio: link, file, check, storage, row. Each recording moves on by itself; the batch only paces."""

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

