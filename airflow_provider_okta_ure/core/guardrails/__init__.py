# SPDX-License-Identifier: Apache-2.0
"""
What keeps a decision from being carried out: limits, approvals, excluded users and groups.

Pure: what they compare with is read by the engine.
"""
