"""The command: arguments -> tasks -> files."""
