"""Numbers become figures, a verdict, and one self-contained HTML page."""
