"""What is said of a slide: measured, corrected, left out, compared, and how sure it is."""
