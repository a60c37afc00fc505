# SPDX-License-Identifier: Apache-2.0
"""
What is known before something is decided: read from Okta and the action log, about the users in hand.

May use the clients, the action log and the session; decides nothing and writes nothing but what interrupted
tries have left open.
"""
