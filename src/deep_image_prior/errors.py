"""The one exception of bad input; its message is one line that names the thing and the way out."""


class BadInput(ValueError):
    """Something given from outside cannot be used."""
