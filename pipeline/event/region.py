"""The names of AWS's regions."""

from __future__ import annotations

import re

REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,16}){1,2}-[0-9]{1,2}", re.ASCII)
"""What a region's name looks like, those of every partition and those to come: `eu-west-1`, `us-gov-west-1`,
`us-iso-east-1`, `eusc-de-east-1`. Text that matches whole is harmless in an address and in a shell."""
