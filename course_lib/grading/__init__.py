"""What instructors run: lessons become notebooks here, and submissions become marks."""
