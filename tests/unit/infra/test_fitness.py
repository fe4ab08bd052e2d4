"""What makes a zip unfit for Lambda."""

import re
import zipfile
from pathlib import Path

import pytest

from infra import fitness
from infra.fitness import PackagingError, inspect

ARM64 = b"\x7fELF\x02\x01\x01" + b"\x00" * 9 + b"\x03\x00" + (183).to_bytes(2, "little")
X86_64 = b"\x7fELF\x02\x01\x01" + b"\x00" * 9 + b"\x03\x00" + (62).to_bytes(2, "little")

LOCK = """
google-re2==1.1.2 \\
    --hash=sha256:00
six==1.17.0 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""
FIT = {
    "pipeline/__init__.py": b"",
    "google_re2-1.1.2.dist-info/METADATA": b"",
    "six-1.17.0.dist-info/METADATA": b"",
    "re2/_re2.cpython-313-aarch64-linux-gnu.so": ARM64,
    "google/_upb/_message.abi3.so": ARM64,
}


def _zip(tmp_path: Path, files: dict[str, bytes]) -> Path:
    path = tmp_path / "trailwire.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_fit_zip_is_reported_by_its_sizes(tmp_path: Path) -> None:
    """The reader sees how much room is left."""
    assert inspect(_zip(tmp_path, FIT), ["pipeline/__init__.py"], LOCK) == "0.0 MB zipped, 0.0 MB unzipped, 5 files"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pipeline/__init__.py": None}, "pipeline/__init__.py is missing"),
        ({"six-1.17.0.dist-info/METADATA": None, "six-1.16.0.dist-info/METADATA": b""}, "six==1.17.0 is missing"),
        ({"google_re2-1.1.2.dist-info/METADATA": None}, "google-re2==1.1.2 is missing"),
        ({"pipeline/cli/main.py": b""}, "pipeline/cli/main.py should not be shipped"),
        ({"moto/core.py": b""}, "moto/core.py should not be shipped"),
        ({"orjson.cpython-313-x86_64-linux-gnu.so": X86_64}, "orjson.cpython-313-x86_64-linux-gnu.so is not for arm64"),
        ({"x.so": b"MZ"}, "x.so is not for arm64"),
        ({"x.cpython-311-aarch64-linux-gnu.so": ARM64}, "x.cpython-311-aarch64-linux-gnu.so is not for Python 3.13"),
    ],
)
def test_an_unfit_zip_is_refused_with_its_reason(tmp_path: Path, change: dict[str, bytes | None], reason: str) -> None:
    """One thing is wrong, and the message names it."""
    files = {name: content for name, content in (FIT | change).items() if content is not None}
    with pytest.raises(PackagingError, match=f"\n  {re.escape(reason)}$"):
        inspect(_zip(tmp_path, files), ["pipeline/__init__.py"], LOCK)


def test_all_reasons_are_told_at_once(tmp_path: Path) -> None:
    """Nobody packages five times to learn of five mistakes."""
    with pytest.raises(PackagingError) as refused:
        inspect(_zip(tmp_path, {"x.so": X86_64}), ["pipeline/a.py", "pipeline/b.py"], LOCK)
    assert str(refused.value).count("\n") == 5


@pytest.mark.parametrize("limit", ["ZIP_BYTES", "UNZIPPED_BYTES"])
def test_a_zip_larger_than_lambda_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Lambda would refuse it only after the upload."""
    monkeypatch.setattr(fitness, limit, 10)
    with pytest.raises(PackagingError, match=r"Lambda takes 0\.0 MB"):
        inspect(_zip(tmp_path, FIT), [], LOCK)
