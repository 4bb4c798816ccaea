"""Trade a strategy over bars: reference engine, compiled kernel, and the metrics of one path."""
