# SPDX-License-Identifier: Apache-2.0
"""The document, or one topic of it: ``python -m airflow_provider_okta_ure.catalogue [TOPIC]``."""

from __future__ import annotations

import sys

from airflow_provider_okta_ure.catalogue.lookup import CHAPTERS, entry_for_topic
from airflow_provider_okta_ure.catalogue.page import page, section


def main(arguments: list[str]) -> int:
    """Print the document, or the sections of the topics that are named; return the exit status."""
    if not arguments:
        sys.stdout.write(page())
        return 0
    for topic in arguments:
        entry = entry_for_topic(topic.rpartition("#")[2])
        if entry is None:
            known = ", ".join(one.topic for chapter in CHAPTERS for one in chapter.entries)
            sys.stderr.write(f"There is no topic {topic!r}. Known topics: {known}.\n")
            return 2
        sys.stdout.write(section(entry))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
