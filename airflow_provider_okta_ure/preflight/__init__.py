# SPDX-License-Identifier: Apache-2.0
"""
Looking before leaping: everything a run needs of Okta and Netskope, checked by reading alone.

A layer between hooks and operators: it knows hooks, clients and core; the operator and the command line
know it.
"""
