"""The *Annotation assist* dock, box by box, and the fields a person works in."""
