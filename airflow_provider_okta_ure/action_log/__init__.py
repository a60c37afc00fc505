# SPDX-License-Identifier: Apache-2.0
"""
The durable record of what was done to whom, when, why and with what answer: one SQL table.

It answers three questions: what did we last deliver for this user before a moment, was this exact action
done already, and what happened to this person, in this run, in this group. Knows nothing of Airflow.
"""
