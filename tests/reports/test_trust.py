"""A verdict's reason leads to its explanation, where that has a public address."""

import importlib.metadata
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from builders import make_cell, make_run, with_verdict
from reports.report import write_report
from reports.trust import explained_at, published_site


class Metadata:
    """A package's metadata with these project addresses."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls

    def get_all(self, name: str) -> list[str] | None:
        return list(self.urls) if name == "Project-URL" and self.urls else None


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    published_site.cache_clear()
    yield
    published_site.cache_clear()


def name_addresses(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: Metadata(*urls))


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        (("Documentation, https://example.org/harness/",), "https://example.org/harness/docs/verdicts/#busy"),
        (("Paper, https://arxiv.org/abs/1704.04861",), None),
        (("Documentation, javascript:alert(1)",), None),
        ((), None),
    ],
)
def test_a_reason_is_explained_at_the_public_address_of_the_documentation(
    urls: tuple[str, ...], address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_addresses(monkeypatch, *urls)
    assert explained_at("busy") == address


def test_a_package_that_is_not_installed_names_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Metadata:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "metadata", missing)
    assert explained_at("busy") is None


@pytest.mark.parametrize("public", [False, True])
def test_the_page_links_known_codes_or_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, public: bool
) -> None:
    name_addresses(monkeypatch, *(("Documentation, https://example.org",) if public else ()))
    cells = (
        with_verdict(make_cell(), "suspect", "busy", "load 9"),
        with_verdict(make_cell(), "suspect", "of_a_newer_harness", "why"),
    )
    for cell, folder in zip(cells, ("known", "unknown"), strict=True):
        page = write_report([(make_run((cell,)), (cell,))], tmp_path / folder).read_text()
        assert ('href="https://example.org/docs/verdicts/#' in page) is (public and folder == "known")
        assert "docs/verdicts.md" in page
