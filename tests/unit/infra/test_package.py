"""The making of the package for Lambda, without the packages themselves: no registry is needed."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import pytest

from infra import package
from infra.fitness import PackagingError
from pipeline.rules import ruleset

ROOT = Path(__file__).resolve().parents[3]


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def test_equal_files_make_equal_zips_whenever_and_in_whatever_order_they_were_written(tmp_path: Path) -> None:
    """An unchanged package has the same bytes, so it is not deployed again."""
    files = {"b/two.py": "2", "a.py": "1", "c.toml": "3"}
    one = _write(tmp_path / "one", files)
    two = _write(tmp_path / "two", dict(reversed(files.items())))
    os.utime(two / "a.py", (1, 1))
    (two / "a.py").chmod(0o755)
    for folder in (one, two):
        package.write_zip(folder, tmp_path / f"{folder.name}.zip")
    digests = {hashlib.sha256((tmp_path / f"{name}.zip").read_bytes()).hexdigest() for name in ("one", "two")}
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["a.py", "b/two.py", "c.toml"]
        assert archive.getinfo("a.py").external_attr >> 16 == 0o100644


def test_the_command_line_the_test_doubles_and_the_benchmarks_are_not_shipped(tmp_path: Path) -> None:
    """Everything else below pipeline is, data files included, and nothing that Python left there."""
    shipped = ["pipeline/__init__.py", "pipeline/local_time.py", "pipeline/rules/packs/baseline.toml"]
    kept_home = ["pipeline/cli/main.py", "pipeline/local/aws.py", "pipeline/bench/clock.py", "pipeline/testing.py"]
    leftovers = ["pipeline/__pycache__/x.cpython-311.pyc", "pipeline/rules/__pycache__/y.pyc"]
    _write(tmp_path, dict.fromkeys([*shipped, *kept_home, *leftovers, "tests/x.py"], ""))
    assert [path.as_posix() for path in package.shipped_modules(tmp_path)] == shipped


def test_nothing_shipped_needs_what_is_not() -> None:
    """A shipped module never imports the command line, the embedded AWS, the benchmarks or the test doubles."""
    unshipped = [f"pipeline.{name.removesuffix('.py')}" for name in package.NOT_SHIPPED]
    for path in package.shipped_modules(ROOT):
        if path.suffix == ".py":
            text = (ROOT / path).read_text("utf-8")
            assert not [name for name in unshipped if f"from {name}" in text or f"import {name}" in text], path


@pytest.mark.parametrize(
    "call", ["boto3.client('ec2')", 'session.client(\n    "ec2", config=x)', "boto3.resource('ec2')"]
)
def test_a_client_of_a_service_that_is_left_out_stops_the_packaging(tmp_path: Path, call: str) -> None:
    """It would work at home, where botocore is whole, and fail in Lambda."""
    module = _write(tmp_path, {"m.py": f"x = {call}"}) / "m.py"
    with pytest.raises(PackagingError, match="calls ec2, which is not among SERVICES"):
        package.called_services([module])


def test_every_service_the_code_calls_is_described() -> None:
    """Our own modules pass the check that packaging makes."""
    assert package.called_services(ROOT / path for path in package.shipped_modules(ROOT)) == package.SERVICES


def test_only_the_services_that_are_called_keep_their_descriptions(tmp_path: Path) -> None:
    """The files beside them are needed for any service."""
    data = [
        "botocore/data/sqs/x.json",
        "botocore/data/ec2/x.json",
        "botocore/data/endpoints.json",
        "boto3/data/ec2/y.json",
    ]
    package.leave_out_services(_write(tmp_path, dict.fromkeys(data, "")), frozenset({"sqs"}))
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json"))
    assert left == ["botocore/data/endpoints.json", "botocore/data/sqs/x.json"]


def test_an_interpreter_that_does_not_answer_is_not_taken(tmp_path: Path) -> None:
    """Version managers put launchers on the PATH that have nothing behind them."""
    launcher = tmp_path / "python3.13"
    launcher.write_text("#!/bin/sh\necho 'not installed' >&2\nexit 127\n", "utf-8")
    launcher.chmod(0o755)
    assert not package.is_python_of_lambda(str(launcher))
    assert not package.is_python_of_lambda(str(tmp_path / "nothing-here"))
    assert package.is_python_of_lambda(sys.executable) == (sys.version_info[:2] == (3, 13))


def test_an_interpreter_named_in_vain_ends_packaging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who names one wants its modules compiled, not a slower function."""
    monkeypatch.setenv("LAMBDA_PYTHON", str(tmp_path / "nothing-here"))
    with pytest.raises(PackagingError, match=r"no CPython 3\.13 that runs here"):
        package.python_of_lambda()


def test_compiled_modules_are_taken_without_a_look_at_the_source(tmp_path: Path) -> None:
    """Flag 1 in a .pyc is a hash that is not checked (PEP 552), and no path of this machine is in it."""
    _write(tmp_path, {"m.py": "def f():\n    return {'b', 'a'}\n"})
    package.compile_modules(tmp_path, sys.executable)
    (compiled,) = (tmp_path / "__pycache__").iterdir()
    content = compiled.read_bytes()
    assert int.from_bytes(content[4:8], "little") == 1
    assert b"/var/task/m.py" in content
    assert str(tmp_path).encode() not in content


def test_a_configuration_that_is_not_there_ends_packaging_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the user's mistake: one message, no traceback."""
    assert package.main(["--config", str(tmp_path / "none.toml"), "-o", str(tmp_path / "x.zip")]) == 2
    assert capsys.readouterr().err == (
        f"package: {tmp_path}/none.toml not found; to begin, copy infra/starter.toml to trailwire.toml\n"
    )


def test_the_configuration_is_shipped_compiled() -> None:
    """Lambda reads it in milliseconds, and needs no language's parser."""
    shipped = ruleset.from_bytes(package.compile_config(ROOT / "infra" / "starter.toml"), name="trailwire.json")
    names = [rule.name for rule in shipped.rules]
    assert names[-1] == "Billing contact changed"
    assert names[:-1] == [rule.name for rule in ruleset.read_pack("baseline")]


def test_every_mistake_in_the_configuration_is_told(tmp_path: Path) -> None:
    """Nothing that can't be read is deployed."""
    config = _write(tmp_path, {"t.toml": 'colour = "red"\n[[rule]]\nname = "a"\nevent_names = 3\n'}) / "t.toml"
    with pytest.raises(PackagingError, match=r"(?s)t\.toml:1: .*t\.toml:4: "):
        package.compile_config(config)


def test_a_configuration_that_holds_a_secret_is_not_shipped(tmp_path: Path) -> None:
    """Whoever may read the function's code would have the token."""
    starter = (ROOT / "infra" / "starter.toml").read_text("utf-8")
    literal = starter.replace("secretsmanager:trailwire/slack", "xoxb-made-up")
    config = _write(tmp_path, {"t.toml": literal}) / "t.toml"
    with pytest.raises(PackagingError, match="holds a literal secret") as refused:
        package.compile_config(config)
    assert "xoxb" not in str(refused.value)


def test_a_tool_that_is_missing_or_fails_ends_packaging() -> None:
    """The tool's own message has been printed by then."""
    with pytest.raises(PackagingError, match="`make install` brings it"):
        package.run(["no-such-tool-at-all"])
    with pytest.raises(PackagingError, match="failed"):
        package.run([sys.executable, "-c", "raise SystemExit(3)"])
