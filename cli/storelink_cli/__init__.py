"""`storelink`, the command line tool of operators and engineers. docs/cli.md has every command."""
