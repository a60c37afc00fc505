# SPDX-License-Identifier: Apache-2.0
"""Apache Airflow provider: Netskope user risk scores in, Okta groups and risk signals out."""

from __future__ import annotations

__version__ = "0.1.0"
