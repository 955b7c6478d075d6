"""How a command ends: every error of the user's becomes one line and an exit code."""

from collections.abc import Callable

import click

from ..errors import BadInput, Destabilised, exhausted
from .say import answer, say


def outcome(command: Callable[[], int | None]) -> int:
    """The exit code of `command`: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    try:
        return int(command() or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        answer(error.ctx.get_help())
        return 2
    except click.ClickException as error:
        return _complain(" ".join(error.format_message().split()), 2)
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted; nothing was written", 130)
    except BadInput as error:
        return _complain(str(error), 2)
    except (OSError, Destabilised) as error:
        return _complain(str(error), 1)
    except (MemoryError, RuntimeError) as error:
        if not exhausted(error):
            raise
        return _complain(
            "out of memory; use the preset fast, a smaller image or size, or a part of the image", 1
        )


def _complain(message: str, code: int) -> int:
    say(message)
    return code
