# SPDX-License-Identifier: Apache-2.0
"""What the commands of ``airflow okta-ure`` do; each is imported only when it is used."""
