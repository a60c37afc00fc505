# SPDX-License-Identifier: Apache-2.0
"""Troubles on the way to a service, before anybody answered."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

NETWORK = Chapter(
    anchor="reaching-the-services",
    title="Reaching the services",
    introduction="Nobody answered, or somebody else did. What may pass is tried again before the task fails.",
    entries=(
        Entry(
            topic="name-not-known",
            title="The name of the host is not known",
            what="The worker asked its name service for the host of the connection and got no address.",
            why="The host has a typing error, or the worker's network does not resolve names of the "
            "internet.",
            remedy="Check the host for typing errors, and the network's name service.",
            seen=("The name of Okta's host in https://... is not known.",),
        ),
        Entry(
            topic="connection-refused",
            title="The connection is refused or the host cannot be reached",
            what="The host has an address, but nobody accepts a connection there.",
            why="A firewall is in between, the worker needs a proxy, or the port is wrong.",
            remedy="Check the host, and whether a firewall or proxy is in between.",
            steps=(
                "From the worker itself, not from your own machine, try `curl -sS https://<host>/`.",
                "Let the firewall pass HTTPS (port 443) to the Okta org and to the Netskope tenant.",
                "If the network has a proxy, set `proxy` in the connection.",
            ),
            seen=("refused the connection or is not reachable", "Connection refused", "[Errno 111]"),
        ),
        Entry(
            topic="no-answer",
            title="No answer in time, or the connection was cut",
            what="The connection was not accepted in time, no bytes came for too long, or the answer broke "
            "off.",
            why="The service or the network is slow or disturbed. Scores of many users take Netskope "
            "minutes.",
            remedy="Try again later; if it goes on, raise `timeout` in the connection and look at the "
            "network.",
            steps=(
                "What is safe to send twice has been sent up to five times by then.",
                "Look at the status page of the service.",
                "Raise `timeout` in the extra fields of the connection, at most 600 seconds. A whole "
                "answer may take two minutes more than that.",
            ),
            seen=(
                "did not answer in time",
                "did not answer completely in time",
                "did not accept a connection in time",
                "The connection to Okta at ... was cut.",
                "was cut off or garbled",
                "was cut off or is not JSON",
            ),
            reasons=("no_answer",),
        ),
        Entry(
            topic="proxy-trouble",
            title="The proxy does not work",
            what="The proxy cannot be reached, or refuses to connect us to the service.",
            why="Its address is wrong, it wants a name and password, or it does not let the service through.",
            remedy="Check `proxy` in the connection, or the proxy variables of the environment. "
            "Write it like http://proxy.example:3128.",
            seen=(
                "The proxy on the way to Okta at ... is not reachable.",
                "The proxy on the way to Okta at ... refused to connect us.",
                "The proxy URL cannot be used.",
                "Proxy server or Okta server is not reachable",
            ),
        ),
        Entry(
            topic="certificate-not-trusted",
            title="The certificate is not trusted",
            what="The certificate that the host showed is not signed by an authority that the worker trusts.",
            why="A proxy opens TLS and shows a certificate of its own; or somebody is listening in; or a "
            "sandbox with a certificate of its own is at the other end.",
            remedy="Behind a proxy that opens TLS, give the path of its authority in `ca_bundle`; "
            "otherwise somebody may be listening in.",
            steps=(
                "Ask the people of your network for the authority of the proxy, as a PEM file.",
                "Put the file on every worker and its path into `ca_bundle` of the connection.",
                "Do not switch `verify` off: anybody on the way could then read the token.",
            ),
            seen=("CERTIFICATE_VERIFY_FAILED", "is not trusted"),
        ),
        Entry(
            topic="ca-bundle-unreadable",
            title="The file with the certificate authorities cannot be read",
            what="The path in `ca_bundle` leads to no file that the worker can read.",
            why="The file is not on this worker, or the worker's user may not read it.",
            remedy="Check the path in `ca_bundle`.",
            seen=("The file with the certificate authorities cannot be read.",),
        ),
        Entry(
            topic="tls-failed",
            title="No secure connection could be kept",
            what="The two sides did not agree on how to encrypt, or the encrypted connection broke.",
            why="Something on the way disturbs TLS, or an old proxy allows old versions of it only.",
            remedy="Try again; if it goes on, ask what is between the worker and the service.",
            seen=("No secure connection to Okta at ... could be kept.",),
        ),
        Entry(
            topic="proxy-answered",
            title="A proxy answered in the place of the service",
            what="The status or the form of the answer is not one that the service gives to this call. "
            "It does not count as done, even with a status of success.",
            why="A proxy, a gateway or a web filter on the way answered by itself: a page that says blocked, "
            "or one to sign in.",
            remedy="Ask the people of your network what answers in the place of the service, and let its "
            "host through without inspection.",
            steps=(
                "From the worker itself, try `curl -sSi https://<host>/` and look at who answers.",
                "Check `proxy` in the connection, and the proxy variables of the environment.",
            ),
            seen=(
                "and HTTP 200 came: a proxy or gateway on the way answered in its place.",
                "with something else than JSON came",
            ),
        ),
        Entry(
            topic="answer-too-large",
            title="An answer is larger, or compressed in another way, than is taken",
            what="An answer has more bytes than `max_answer_mib` allows, on the wire or after unpacking; "
            "more levels or values of JSON than the service ever sends; or a compression that was not asked "
            "for. It was not read any further, and does not count as done.",
            why="Somebody else answers in the place of the service, or the service is disturbed. A few KiB "
            "can unpack to many GiB, which would stop the worker.",
            remedy="Look at what answers at the host of the connection. Raise `max_answer_mib` only if the "
            "answer is really the service's own.",
            steps=(
                "From the worker itself, try `curl -sSi https://<host>/` and look at who answers.",
                "A page of 200 users has less than 1 MiB, so 64 MiB, the default, is far more than needed.",
                "A change of one user that was answered so may have happened: the next try finds out.",
            ),
            seen=(
                "MiB on the wire. It was not read any further.",
                "MiB after unpacking. It was not read any further.",
                "is compressed 2 times",
                "is compressed in a way that was not asked for",
                "levels or",
            ),
        ),
        Entry(
            topic="list-without-end",
            title="A list of a service has no end",
            what="The pages of one list were more, larger or slower than those of any org or tenant, or a "
            "page came twice. The list was not read any further.",
            why="The service, or a proxy that keeps answers, gives the same pages again or a next page for "
            "ever.",
            remedy="Try again later; if it goes on, tell the support of the service which list it is.",
            steps=(
                "Look whether a proxy or gateway on the way keeps answers: it must not.",
                "A list may have 4,000,000 entries and 4 GiB, and take six hours: more than twice what an "
                "org of 1,000,000 users needs.",
            ),
            seen=("has no end after", "so the list has no end", "that was read before"),
        ),
        Entry(
            topic="unexpected-answer",
            title="Somebody else answered",
            what="The answer is not what the service's own specification says: a page for people, a "
            "redirect, or other fields.",
            why="Most often the host of the connection is a login page, a proxy or another product. Nothing"
            " is followed to another host, because the token would go there.",
            remedy="Check that the host in the connection is the service itself and not a proxy or a login "
            "page.",
            seen=(
                "is a page for people",
                "by sending us to",
                "has another form",
                "says that the next page is on",
            ),
        ),
    ),
)
