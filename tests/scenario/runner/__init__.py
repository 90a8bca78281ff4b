"""Runs protocol scripts against an XMPP server; see ../README.md for the language."""
