# SPDX-License-Identifier: Apache-2.0
"""
Who is acted on, and why: for each action one pure function from rows and facts to decisions.

``adding``, ``removing``, ``pushing``, ``upserting``, ``recording``, and ``undoing_rules`` for a revert. Facts
are read by the engine; nothing here reads, writes, or knows the time.
"""
