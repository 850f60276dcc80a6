"""The operators' console: web pages over the operator's API, on loopback, with the command line tool's credentials."""
