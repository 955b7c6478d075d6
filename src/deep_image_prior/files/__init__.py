"""Image files <-> pixels; depth, alpha and metadata are kept. A module a format, and a table."""

from .formats import BY_ENDING, FORMATS, Format, check_format, encode, ending_for, read, suffix_for
from .picture import Picture
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
    "read",
    "suffix_for",
    "write_atomically",
]
