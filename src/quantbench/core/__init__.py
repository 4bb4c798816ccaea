"""The vocabulary: frozen nouns and the pure rules of EXECUTION. No files, no clocks, no randomness."""
