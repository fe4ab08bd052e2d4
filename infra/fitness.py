"""Is this zip fit for Lambda? Asked of every zip that infra/package.py makes, before it can be deployed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PYTHON = "3.13"

# Lambda's limits: 50 MB for a zip uploaded directly, 250 MB unzipped (Lambda quotas).
ZIP_BYTES = 50 * 1024 * 1024
UNZIPPED_BYTES = 250 * 1024 * 1024

MACHINE_AT, AARCH64 = 18, 183  # e_machine of an ELF header, and its value for arm64 (elf.h)
ABI = re.compile(r"\.cpython-(\d+)-")

# What only the command line or development imports; one of these in the zip means that a lock or a filter is wrong.
FOREIGN = (
    *("pipeline/bench/", "pipeline/cli/", "pipeline/local/", "tests/"),
    *("moto/", "sigma/", "pytest/", "click/", "uv/"),
)


class PackagingError(Exception):
    """The zip can't be made, or must not be shipped; the message says why and what to do."""


def inspect(path: Path, modules: Iterable[str], lock: str) -> str:
    """Return the zip's sizes in words when it is fit to run; raise PackagingError with every reason when not.

    `modules` are the paths that must be in it, `lock` the text of requirements.txt, all of whose packages must be.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        unzipped = sum(entry.file_size for entry in archive.infolist())
        problems = [
            *(f"{name} is missing" for name in sorted(set(modules) - names)),
            *(f"{package} is missing" for package in missing_packages(names, lock)),
            *(f"{name} should not be shipped" for name in sorted(names) if name.startswith(FOREIGN)),
            *foreign_binaries(archive),
            *oversize(path.stat().st_size, unzipped),
        ]
    if problems:
        raise PackagingError(f"{path.name} is not fit for Lambda:\n  " + "\n  ".join(problems))
    return f"{megabytes(path.stat().st_size)} zipped, {megabytes(unzipped)} unzipped, {len(names)} files"


def missing_packages(names: set[str], lock: str) -> Iterator[str]:
    """Yield the pinned packages of the lock, as `name==version`, that the zip has no trace of."""
    present = {folder.split("/", 1)[0].lower() for folder in names if ".dist-info/" in folder}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?!.*;)", lock, re.MULTILINE):
        if f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}.dist-info" not in present:
            yield f"{name}=={version}"


def foreign_binaries(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield a reason for each shared object that Lambda's Python on arm64 can't load."""
    for name in sorted(name for name in archive.namelist() if name.endswith(".so")):
        with archive.open(name) as binary:
            header = binary.read(20)
        if header[:4] != b"\x7fELF" or int.from_bytes(header[MACHINE_AT : MACHINE_AT + 2], "little") != AARCH64:
            yield f"{name} is not for arm64"
        minor = ABI.search(name)
        if minor and minor[1] != PYTHON.replace(".", ""):
            yield f"{name} is not for Python {PYTHON}"


def oversize(zipped: int, unzipped: int) -> Iterator[str]:
    """Yield a reason for each of Lambda's limits that is passed."""
    if zipped > ZIP_BYTES:
        yield f"{megabytes(zipped)} zipped; Lambda takes {megabytes(ZIP_BYTES)}"
    if unzipped > UNZIPPED_BYTES:
        yield f"{megabytes(unzipped)} unzipped; Lambda takes {megabytes(UNZIPPED_BYTES)}"


def megabytes(size: int) -> str:
    """Return a size in bytes as a reader takes it in."""
    return f"{size / 1024 / 1024:.1f} MB"
