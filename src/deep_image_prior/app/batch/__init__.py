"""Many pictures by one command: what is missing is made, and a second run goes on."""

from .command import TOGETHER, run
from .items import many

__all__ = ["TOGETHER", "many", "run"]
