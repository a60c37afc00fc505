# SPDX-License-Identifier: Apache-2.0
"""The demo: a real Airflow, the pretend services, and a week of work."""

from __future__ import annotations
