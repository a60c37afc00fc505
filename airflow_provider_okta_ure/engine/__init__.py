# SPDX-License-Identifier: Apache-2.0
"""
From facts to record: ``facts`` are read, ``actions`` decide, ``prepared`` and ``guard`` hold the plan against
the limits, ``pipeline`` and ``executor`` carry it out, and ``recorder`` writes it down.

May use the clients and the action log; knows no Airflow.
"""
