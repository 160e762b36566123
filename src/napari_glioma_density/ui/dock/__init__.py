"""The dock, box by box."""
