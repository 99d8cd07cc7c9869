"""Run folders in S3, read from a real server on this machine as a user reads them."""

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import make_cell, make_device
from harness.cli.run_folders import open_run_folders
from harness.errors import UsageError
from harness.records import remote_runs
from harness_command import HarnessCommand
from remote_folders import upload, write_lab

moto = pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")
KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-lab"}
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of S3's protocol on a free port of the loopback, with a bucket."""
    started = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def bucket(server: str) -> Iterator[Any]:
    files = s3fs.S3FileSystem(
        key=KEYS["AWS_ACCESS_KEY_ID"],
        secret=KEYS["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=server,
        client_kwargs={"region_name": REGION},
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    files.call_s3(
        "create_bucket", Bucket="lab-results", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    yield files
    ask(server, "reset")


@pytest.fixture
def labs(bucket: Any, tmp_path: Path) -> Any:
    for lab in ("berlin", "oslo"):
        cell = make_cell(device=make_device(name=lab))
        upload(bucket, write_lab(tmp_path / "uploaded", lab, cell), f"lab-results/nightly/{lab}")
    # What the console of S3 makes for an empty folder.
    bucket.pipe("lab-results/nightly/oslo/cells/", b"")
    return bucket


def ask(server: str, action: str, body: bytes = b"") -> None:
    request = urllib.request.Request(f"{server}/moto-api/{action}", data=body, method="POST")
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request, timeout=10):
        pass


def settings(server: str, **changes: str) -> dict[str, str]:
    """As a user sets them; nothing of this machine's own accounts takes part."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    quick = {"AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    return {"AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": REGION, **KEYS, **nowhere, **quick, **changes}


def refusal(monkeypatch: pytest.MonkeyPatch, url: str, env: dict[str, str]) -> UsageError:
    """In this process, which is quicker; a new connection reads the settings."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UsageError) as refused:
        open_run_folders([url])
    return refused.value


def test_the_runs_of_two_labs_become_one_report(
    labs: Any, server: str, run_harness: HarnessCommand, tmp_path: Path
) -> None:
    ended = run_harness("report", "s3://lab-results/nightly/*", "--json", env=settings(server))
    assert (ended.exit_code, ended.stderr) == (0, "")
    page = Path(ended.document["report"])
    assert page == tmp_path / "report-berlin+oslo" / "index.html"
    table = (page.parent / "cells.csv").read_text()
    assert "berlin" in table
    assert "oslo" in table


def test_a_missing_bucket_is_named(bucket: Any, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, "s3://no-such-bucket/x/*", settings(server))
    assert "there is nothing at s3://no-such-bucket/x" in error.what
    assert "check the bucket" in error.hint


def test_an_account_that_may_not_read_is_refused_without_its_secret(
    labs: Any, server: str, run_harness: HarnessCommand
) -> None:
    ask(server, "reset-auth", b"0")
    try:
        ended = run_harness(
            "--debug", "report", "s3://lab-results/nightly/oslo", "--json", env=settings(server)
        )
    finally:
        ask(server, "reset-auth", b"inf")
    assert ended.exit_code == 2
    assert "s3://lab-results/nightly/oslo may not be read" in ended.document["error"]["what"]
    assert "AWS_PROFILE" in ended.document["error"]["hint"]
    assert not any(secret in ended.stdout + ended.stderr for secret in KEYS.values())


def test_without_any_account_one_is_asked_for(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = settings(server, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    error = refusal(monkeypatch, "s3://lab-results/nightly/oslo", nobody)
    assert "s3://lab-results/nightly/oslo may not be read (NoCredentialsError" in error.what
    assert "AWS_PROFILE" in error.hint


def test_a_wrong_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, "s3://lab-results/nightly/oslo", settings("http://127.0.0.1:9"))
    assert "the storage of s3://lab-results/nightly/oslo cannot be reached" in error.what
    assert "AWS_ENDPOINT_URL" in error.hint


def test_hostile_keys_write_nothing_outside_the_copy(
    labs: Any, server: str, run_harness: HarnessCommand, tmp_path: Path
) -> None:
    for key in ("cells/../../../escaped.json", "cells//deep.json", "../escaped.json", "cells/a/b.json"):
        labs.call_s3("put_object", Bucket="lab-results", Key=f"nightly/oslo/{key}", Body=b"{}")
    place = tmp_path / "temporary"
    place.mkdir()
    env = settings(server, TMPDIR=str(place))
    ended = run_harness("export", "s3://lab-results/nightly/oslo", "--format", "csv", env=env)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert not list(place.iterdir())
    assert not list(tmp_path.rglob("escaped.json"))
    labs.call_s3("put_object", Bucket="lab-results", Key="nightly/oslo/cells/..\\up.json", Body=b"{}")
    ended = run_harness("export", "s3://lab-results/nightly/oslo", "--format", "csv", env=env)
    assert ended.exit_code == 2
    assert "has a name that no file here gets: '..\\\\up.json'" in ended.stderr


def test_a_huge_object_is_refused_before_it_is_read(
    labs: Any, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runs, "LARGEST_FILE_BYTES", 2**20)
    labs.pipe("lab-results/nightly/oslo/cells/huge.json", bytes(3 * 2**20))
    error = refusal(monkeypatch, "s3://lab-results/nightly/oslo", settings(server))
    assert "oslo/cells/huge.json has 3 MiB; a file of a run has at most 1" in error.what
