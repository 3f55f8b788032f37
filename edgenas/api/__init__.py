"""The functions of ``import edgenas``, one file for each verb. The command line parses, calls them and prints."""
