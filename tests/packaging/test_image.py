"""The Dockerfile, as far as it can be read without making an image; `make image` makes one."""

from try_image import DOCKERFILE, read_instructions


def test_continued_lines_are_one_instruction_and_comments_are_none() -> None:
    text = "# a comment \\\nFROM debian:trixie-slim\nRUN one && \\\n    two\n\n# another\ncopy a b\n"
    assert list(read_instructions(text)) == [
        ("FROM", "debian:trixie-slim"),
        ("RUN", "one && two"),
        ("COPY", "a b"),
    ]


def test_the_image_gets_the_wheels_and_no_compiler_for_arm() -> None:
    instructions = list(read_instructions(DOCKERFILE.read_text()))
    assert ("COPY", "dist/*.whl /tmp/wheels/") in instructions
    assert not any("aarch64" in rest for _, rest in instructions)
    assert instructions[-1] == ("ENTRYPOINT", '["harness"]')
