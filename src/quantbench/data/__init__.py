"""Where bars and trials are kept: the embedded sample, contract facts, the trial ledger."""
