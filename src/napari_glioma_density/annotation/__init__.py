"""Annotation assist: binarised hints, fields that a person corrects, and what that changes."""
