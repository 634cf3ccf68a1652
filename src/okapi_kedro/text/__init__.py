"""What is done to text before and after the teacher: reading, filters, near-duplicates, translation checks."""
