"""Networks that find nuclei, the models made of them, and the nucleus table."""
