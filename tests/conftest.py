"""What all tests share."""

from __future__ import annotations

import os

# Parallel workers must collect the same tests under the same names, and a set prints in the order of its hashes.
os.environ.setdefault("PYTHONHASHSEED", "0")
