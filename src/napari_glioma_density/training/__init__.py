"""Train and score networks on annotated nuclei."""
