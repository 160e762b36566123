"""The *Regions* dock: what is drawn on a slide, and what it says."""
