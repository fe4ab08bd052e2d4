"""Places that take messages, one file each."""
