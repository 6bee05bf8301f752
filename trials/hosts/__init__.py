"""What several hosts survive, and what they do faster than one."""
