"""The pretend Netskope tenant, written from public documentation alone."""

from __future__ import annotations
