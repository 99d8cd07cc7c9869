"""Commands; the only place that prints or exits."""


def main() -> None:
    """Entry point."""
