"""What opening and closing does to the book, compiled."""
