"""What a search keeps of an account: days, peak and worst drawdown, bars passed by blocks, compiled."""
