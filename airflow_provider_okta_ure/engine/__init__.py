# SPDX-License-Identifier: Apache-2.0
"""
From facts to record: what is known is read once, before anything is decided.

May use the clients and the action log; knows no Airflow.
"""
