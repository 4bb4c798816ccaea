"""Judge a choice among many: search, splits, walk-forward, overfitting."""
