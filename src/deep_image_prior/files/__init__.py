"""Image files <-> pixels; depth, alpha and metadata are kept. A module a format, and a table."""

from .formats import (
    BY_ENDING,
    FORMATS,
    Format,
    check_ending,
    check_format,
    encode,
    encoded,
    ending_for,
    read,
    suffix_for,
)
from .picture import Coded, Picture, Quantisation, room
from .places import Content, check_free, is_picture_folder, names_in, write_atomically

__all__ = [
    "BY_ENDING",
    "FORMATS",
    "Coded",
    "Content",
    "Format",
    "Picture",
    "Quantisation",
    "check_ending",
    "check_format",
    "check_free",
    "encode",
    "encoded",
    "ending_for",
    "is_picture_folder",
    "names_in",
    "read",
    "room",
    "suffix_for",
    "write_atomically",
]
