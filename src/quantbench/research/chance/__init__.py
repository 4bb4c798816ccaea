"""What luck does: paths, prices and fills drawn again, many times, from a seed."""
