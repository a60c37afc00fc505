# SPDX-License-Identifier: Apache-2.0
"""
Proof of delivery: Okta answers 202 also to a risk signal that it then ignores, its System Log does not lie.

Looks for the signals of a DAG run in the log, and says why one is likely to be missing.
"""
