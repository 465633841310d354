"""Starts the real binary, talks to its API, and says what OTLP input must read back as."""
