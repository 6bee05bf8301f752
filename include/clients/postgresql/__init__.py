"""PostgreSQL as a server with tools: dumps, restores and what a database contains."""
