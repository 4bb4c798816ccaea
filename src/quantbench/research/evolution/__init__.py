"""Evolution of rules: growing and crossing them, the generations, the front door, and the way out to a file."""
