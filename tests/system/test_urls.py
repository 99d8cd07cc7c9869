"""URLs are told from folders, and shown without what only their owner may know."""

import pytest

from harness.system.urls import is_url, shown_url, without_secrets


@pytest.mark.parametrize(
    "text", ["s3://bucket/run", "gs://b", "memory://x", "zip://run::s3://b/x.zip", "simplecache::s3://b/r"]
)
def test_a_protocol_makes_a_url(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize(
    "text", ["results/run", "/s3/bucket", "s3:/bucket/run", "C:\\run", "a:b", "", "://x"]
)
def test_anything_else_is_a_folder(text: str) -> None:
    assert not is_url(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/lab/run", "s3://bucket/lab/run"),
        ("s3://KEY:secret@bucket/run", "s3://bucket/run"),
        ("s3://KEY:se/c@ret@bucket/run", "s3://bucket/run"),
        ("sftp://anna@host/run", "sftp://host/run"),
        ("https://host/run?X-Amz-Signature=abc&sig=d", "https://host/run"),
        ("zip://run::https://u:p@host/x.zip?sig=abc", "zip://run::https://host/x.zip"),
        ("s3://bucket/\x1b[31mred", "s3://bucket/ [31mred"),
    ],
)
def test_a_url_is_shown_without_user_password_and_query(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "said",
    [
        "Could not connect to https://host/run?X-Amz-Signature=hunter2%2B&a=b",
        "401 for url('http://anna:hunter2+@host/x')",
        "rejected: hunter2+",
        "rejected: hunter2%2B",
        'answered {"secret": "hunter2+"}',
        "with AWS_SECRET_ACCESS_KEY=hunter2+",
    ],
)
def test_what_a_library_says_is_quoted_without_secrets(said: str) -> None:
    quoted = without_secrets(ValueError(said), "s3://anna:hunter2%2B@bucket/run")
    assert "hunter2" not in quoted
    assert quoted.split()[0] == said.split()[0]


def test_ordinary_words_of_a_library_are_kept() -> None:
    said = "NoSuchKey: the specified key does not exist"
    assert without_secrets(said, "s3://bucket/run") == said
