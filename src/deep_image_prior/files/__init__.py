"""Image files <-> pixels; depth, alpha and metadata are kept. A module a format, and a table."""

from .formats import BY_ENDING, FORMATS, Format, check_format, encode, ending_for, lossless, read
from .picture import Picture, room
from .places import check_free, write_atomically

__all__ = [
    "BY_ENDING",
    "FORMATS",
    "Format",
    "Picture",
    "check_format",
    "check_free",
    "encode",
    "ending_for",
    "lossless",
    "read",
    "room",
    "write_atomically",
]
