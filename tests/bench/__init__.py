"""Numbers on demand: each file is a script that prints what it measured and the floor it is compared with."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before Airflow is imported: an installation that this user has is none of our business.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "okta-ure-bench-airflow"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
