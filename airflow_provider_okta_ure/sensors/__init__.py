# SPDX-License-Identifier: Apache-2.0
"""What waits for something to be true, and proves it."""
