"""Images: fetched from an engine for examination, planned, and their recipes linted."""
