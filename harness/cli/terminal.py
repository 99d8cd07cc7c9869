"""The console through which rich prints: no text in it steers the terminal."""

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.text import Text

from harness.system.text import printable_lines


class Terminal(Console):
    """rich's own codes for colours and bars pass; those inside a printed string become blanks."""

    def __init__(self, *, stderr: bool = False) -> None:
        # A name may hold `:x:`, which rich would show as a picture.
        super().__init__(stderr=stderr, emoji=False)

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Every string that is printed comes through here, a table's cells too."""
        return super().render_str(
            printable_lines(text),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=emoji,
            markup=markup,
            highlight=highlight,
            highlighter=highlighter,
        )
