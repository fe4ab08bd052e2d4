"""Where the configuration comes from: a file in the package, or an S3 object that changes under a running function.

An S3 object is asked for at most once a minute, and only for a newer version. A version that cannot be used leaves the
last good one in force, and `problem` says why until a good one comes: "not modified" is about a broken version, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pipeline.aws.clients import client, error_code, failures
from pipeline.errors import ConfigError, Problem
from pipeline.rules import compiled
from pipeline.rules.rule import RuleSet

LOOK_AGAIN_S = 60
NOT_MODIFIED = "304"


class ConfigurationSource:
    """One configuration, in TOML or compiled."""

    def __init__(self, location: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._location = location
        self._monotonic = monotonic
        self._bucket, _, self._key = location.removeprefix("s3://").partition("/")
        self._etag = ""
        self._looked_at = 0.0
        self._broken = ""
        self.problem = ""
        """Why the newest version is not in force, or not known; empty where it is."""

    @property
    def is_in_s3(self) -> bool:
        """Tell whether it is an object in S3."""
        return self._location.startswith("s3://")

    def read(self) -> RuleSet:
        """Read the configuration; raises ConfigError."""
        try:
            return self._fetch() if self.is_in_s3 else _loaded(Path(self._location))
        except OSError as error:
            message = f"cannot be read: {error.strerror or error}"
            raise ConfigError((Problem(self._location, message),)) from error
        except failures() as error:
            raise ConfigError((Problem(self._location, f"cannot be read: {error}"),)) from error

    def changed(self) -> RuleSet | None:
        """Return a newer version if there is a usable one. At most one request a minute."""
        if not self.is_in_s3 or self._monotonic() - self._looked_at < LOOK_AGAIN_S:
            return None
        try:
            newer = self._fetch()
        except ConfigError as error:
            self.problem = self._broken = str(error)
            return None
        except failures() as error:
            code = error_code(error)
            self.problem = self._broken if code == NOT_MODIFIED else f"{self._location} cannot be read: {code}"
            return None
        self.problem = self._broken = ""
        return newer

    def refuse(self, reason: str) -> None:
        """Take a version that could be read for one that cannot be used; it stays so until another one comes."""
        self.problem = self._broken = reason

    def _fetch(self) -> RuleSet:
        self._looked_at = self._monotonic()
        newer_than = {"IfNoneMatch": self._etag} if self._etag else {}
        response = client("s3").get_object(Bucket=self._bucket, Key=self._key, **newer_than)
        data: bytes = response["Body"].read()
        # Remembered before it is parsed: a broken version is parsed once, not once a minute.
        self._etag = str(response["ETag"])
        return _from_bytes(data, self._location)


def _loaded(path: Path) -> RuleSet:
    data = path.read_bytes()
    if compiled.is_compiled(data):
        return compiled.load(data, name=str(path))
    from pipeline.rules import ruleset

    return ruleset.load(path)


def _from_bytes(data: bytes, name: str) -> RuleSet:
    if compiled.is_compiled(data):
        return compiled.load(data, name=name)
    from pipeline.rules import ruleset  # reads TOML, and imports the languages: a compiled one needs neither

    return ruleset.from_bytes(data, name=name)
