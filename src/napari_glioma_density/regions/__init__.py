"""What people, an automatic check or another program drew on a slide, and what lies in it."""
