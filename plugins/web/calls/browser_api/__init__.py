"""The server half of the call browser: `/call_export/ui/api`."""
