"""The front door: command line, reports, demo. Everything a person meets."""
