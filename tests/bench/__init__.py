"""Numbers on demand: each file is a script that prints what it measured and the floor it is compared with."""

from __future__ import annotations
