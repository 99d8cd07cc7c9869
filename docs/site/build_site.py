"""Builds the documentation as a site: `make docs`.

The pages are the repository's own Markdown, copied with the folders they lie in, so that their links hold in
both places. The reference is generated. A link that leads nowhere, to a page or an anchor, is an error.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from command_reference import commands_page
from schema_reference import schema_page, schema_text

from harness.records.published_schema import SAVED_RECORDS
from harness.system.paths import PROJECT

STAGED = PROJECT / "build" / "docs"
PAGES = ("*.md", "docs/**/*.md", "benchmarks/*.md", "docs/images/*", "docs/*.ipynb", "LICENSE")
CONFIGURATION = "mkdocs.yml"


def main() -> int:
    """Build the site into build/site; the exit code is that of the site generator."""
    stage(STAGED)
    print("building build/site", flush=True)
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    build += ["--config-file", str(PROJECT / CONFIGURATION)]
    return subprocess.run(build, cwd=PROJECT, check=False).returncode


def stage(folder: Path) -> None:
    """Copy the pages and write the generated ones; what an earlier build left is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    for pattern in PAGES:
        for path in sorted(PROJECT.glob(pattern)):
            copy = folder / path.relative_to(PROJECT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    for name, text in generated().items():
        (folder / name).write_text(text, encoding="utf-8")


def generated() -> dict[str, str]:
    """The text of each generated file, by its path in the site."""
    reference = "docs/reference"
    return {
        f"{reference}/commands.md": commands_page(),
        f"{reference}/schema.md": schema_page(),
        **{f"{reference}/{name}.schema.json": schema_text(name) for name in SAVED_RECORDS},
    }


if __name__ == "__main__":
    sys.exit(main())
