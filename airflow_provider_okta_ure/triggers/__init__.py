# SPDX-License-Identifier: Apache-2.0
"""What waits in Airflow's triggerer, where a waiting task takes no worker slot."""
