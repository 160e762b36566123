"""What is drawn over the slide."""
