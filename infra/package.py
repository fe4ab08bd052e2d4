"""Builds build/trailwire.zip, what Lambda runs: our modules, the locked packages, the configuration.

    .venv/bin/python -m infra.package [--config FILE] [-o ZIP]

The framework calls it before it packages or deploys (infra/build-zip.js), `make package` through the framework.
Nothing in the zip depends on the machine: packages are wheels for arm64 and Python 3.13 whose hashes requirements.txt
pins, times are fixed, entries are sorted. So the same sources give the same bytes, and an unchanged package is not
deployed again. (The framework's usual plugin for Python packages can't be used: it sorts the lines of requirements.txt,
and so tears the hashes off.)

boto3 is in the Lambda runtime, and is shipped all the same: the runtime's copy changes under a function that nobody
touched, and what was tested is not what would run. Most of its size describes services that are never called; those are
left out.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.fitness import PYTHON, PackagingError, inspect
from pipeline.errors import ConfigError
from pipeline.rules import compiled, ruleset
from pipeline.rules.destination_keys import IS_LITERAL

ROOT = Path(__file__).resolve().parent.parent
STAGED = ROOT / "build" / "lambda"
ZIP = ROOT / "build" / "trailwire.zip"
LOCK = ROOT / "requirements.txt"

PLATFORM = "aarch64-manylinux_2_28"  # the runtime has glibc 2.34; google-re2 and jq have no wheel for 2.17
SHIPPED_CONFIG = "trailwire.json"  # what the param `config` of serverless.yml defaults to

# The command line, the embedded AWS, the benchmarks and the test doubles stay at home.
NOT_SHIPPED = ("bench", "cli", "local", "testing.py")

# The services a function calls. A client of any other would fail in Lambda, so the zip is refused instead.
SERVICES = frozenset({"dynamodb", "kinesis", "s3", "secretsmanager", "ses", "sesv2", "sns", "sqs", "ssm", "sts"})
CLIENT = re.compile(r"""\b(?:client|resource)\(\s*["']([a-z0-9-]+)["']""")

# What an installer writes about itself differs from run to run, and scripts have nobody to run them.
LEFTOVERS = ("bin", ".lock", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "boto3/examples")

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can tell

NOT_COMPILED = f"""
  There is no Python {PYTHON} here to compile the modules with, so every cold start will: imports take far longer.
  Put python{PYTHON} on the PATH, or its path in LAMBDA_PYTHON, and package again."""


def main(arguments: list[str]) -> int:
    """Return 0 when the zip stands and is fit to run; 2, with a message, when it can't be made."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Build what Lambda runs.")
    parser.add_argument("--config", type=Path, default=Path(os.environ.get("TRAILWIRE_CONFIG") or "trailwire.toml"))
    parser.add_argument("-o", dest="zip", type=Path, default=ZIP)
    chosen = parser.parse_args(arguments)
    try:
        stage(STAGED, chosen.config)
        interpreter = python_of_lambda()
        if interpreter:
            compile_modules(STAGED, interpreter)
        write_zip(STAGED, chosen.zip)
        report = inspect(chosen.zip, [path.as_posix() for path in shipped_modules(ROOT)], LOCK.read_text("utf-8"))
    except PackagingError as problem:
        print(f"package: {problem}", file=sys.stderr)
        return 2
    print(f"package: {chosen.zip.name}: {report}{'' if interpreter else NOT_COMPILED}", file=sys.stderr)
    return 0


def stage(into: Path, config: Path) -> None:
    """Leave in the folder exactly what the zip will hold, compiled modules aside."""
    compiled_config = compile_config(config)
    shutil.rmtree(into, ignore_errors=True)
    install_packages(into)
    leave_out_services(into, called_services(ROOT / path for path in shipped_modules(ROOT)))
    for module in shipped_modules(ROOT):
        (into / module).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / module, into / module)
    (into / SHIPPED_CONFIG).write_bytes(compiled_config)


def compile_config(config: Path) -> bytes:
    """Return the rule set in the form that Lambda reads in milliseconds; refuse one that is wrong or holds a secret."""
    try:
        rules = ruleset.load(config)
    except FileNotFoundError:
        message = f"{config} not found; to begin, copy infra/starter.toml to trailwire.toml"
        raise PackagingError(message) from None
    except ConfigError as wrong:
        raise PackagingError(f"the configuration can't be used:\n{wrong}") from None
    secrets = [str(note) for note in rules.notes if note.message.endswith(IS_LITERAL)]
    if secrets:
        raise PackagingError("whoever may read the function's code would read this:\n" + "\n".join(secrets))
    return compiled.dump(rules)


def install_packages(into: Path) -> None:
    """Leave the locked packages in the folder, as wheels for Lambda, whatever this machine is.

    uv rather than pip: it judges the lock's markers as Python 3.13 on Linux would, pip as the Python that runs it.
    """
    wheels = ["--only-binary", ":all:", "--python-platform", PLATFORM, "--python-version", PYTHON]
    run(["uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes", *wheels, "--target", into, "-r", LOCK])
    for leftover in LEFTOVERS:
        for path in into.glob(leftover):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def shipped_modules(root: Path) -> Iterator[Path]:
    """Yield, in order, the files below `pipeline` that Lambda needs, relative to the root."""
    for path in sorted((root / "pipeline").rglob("*")):
        inside = path.relative_to(root / "pipeline")
        if path.is_file() and "__pycache__" not in inside.parts and inside.parts[0] not in NOT_SHIPPED:
            yield path.relative_to(root)


def called_services(modules: Iterable[Path]) -> frozenset[str]:
    """Return the AWS services to describe; refuse a module that makes a client of any other."""
    for module in modules:
        if module.suffix == ".py":
            for service in CLIENT.findall(module.read_text("utf-8")):
                if service not in SERVICES:
                    raise PackagingError(f"{module}: calls {service}, which is not among SERVICES in infra/package.py")
    return SERVICES


def leave_out_services(into: Path, kept: frozenset[str]) -> None:
    """Remove the descriptions of services that are not called: nine tenths of botocore."""
    for data in (into / "botocore" / "data", into / "boto3" / "data"):
        for service in data.iterdir():
            if service.is_dir() and service.name not in kept:
                shutil.rmtree(service)


def python_of_lambda() -> str | None:
    """Return a Python of Lambda's own minor version, if this machine has one; LAMBDA_PYTHON, if set, must be one."""
    named = os.environ.get("LAMBDA_PYTHON")
    if named:
        if not is_python_of_lambda(named):
            raise PackagingError(f"LAMBDA_PYTHON is {named}, which is no CPython {PYTHON} that runs here")
        return named
    pyenv = Path.home() / ".pyenv" / "versions"
    found = [sys.executable, shutil.which(f"python{PYTHON}"), *map(str, pyenv.glob(f"{PYTHON}.*/bin/python{PYTHON}"))]
    return next((candidate for candidate in found if candidate and is_python_of_lambda(candidate)), None)


def is_python_of_lambda(interpreter: str) -> bool:
    """Whether this runs, and as the right version: a launcher on the PATH may have nothing behind it."""
    ask = "import platform; print(platform.python_implementation(), platform.python_version())"
    try:
        answer = subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=False)  # noqa: S603 - the developer's own
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.startswith(f"CPython {PYTHON}.")


def compile_modules(into: Path, interpreter: str) -> None:
    """Put beside every module its compiled form, which Lambda takes without looking at the source.

    Lambda can't write beside the code, so without these every cold start compiles everything it imports. A fixed hash
    seed keeps the order of sets, and so the bytes, the same.
    """
    how = ["--invalidation-mode", "unchecked-hash", "-q", "-s", str(into), "-p", "/var/task"]
    run([interpreter, "-m", "compileall", *how, into], PYTHONHASHSEED="0")


def write_zip(folder: Path, to: Path) -> None:
    """Write the folder's files in order, with fixed times and modes: equal contents give equal bytes."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, on whatever system this runs
            archive.writestr(entry, path.read_bytes())


def run(command: list[str | Path], **environment: str) -> None:
    """Run a tool of the virtual environment, or one named by its path; its own message stands when it fails."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    program = shutil.which(str(command[0]), path=tools)
    if program is None:
        raise PackagingError(f"{command[0]} is not here; `make install` brings it")
    done = subprocess.run([program, *command[1:]], env={**os.environ, **environment}, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise PackagingError(f"{command[0]} failed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
