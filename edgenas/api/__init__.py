"""The functions behind ``import edgenas``, one file a verb; the command line parses, calls these and prints."""
