"""The command line tool `storelink`."""
