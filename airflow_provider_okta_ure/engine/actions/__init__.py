# SPDX-License-Identifier: Apache-2.0
"""
The actions: each reads its facts, lets a pure function of ``core.decisions`` decide, and acts on one user.

``work`` is what they have in common. Judging and recording is not theirs: see ``guard`` and ``recorder``.
"""
