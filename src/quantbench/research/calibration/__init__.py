"""How often the gauntlet itself is wrong: worlds of known truth, and what it says of them."""
