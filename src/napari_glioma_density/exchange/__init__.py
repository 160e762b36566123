"""What leaves the program, and what comes back: QuPath, spreadsheets, other viewers, a report."""
