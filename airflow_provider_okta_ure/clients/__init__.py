# SPDX-License-Identifier: Apache-2.0
"""Clients of Okta and Netskope: HTTP and cryptography, without Airflow."""

from __future__ import annotations
