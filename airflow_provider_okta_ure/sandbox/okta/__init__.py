"""The pretend Okta org, written from Okta's public documentation alone."""

from __future__ import annotations
