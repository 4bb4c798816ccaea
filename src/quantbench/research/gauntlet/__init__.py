"""The gauntlet: gates of validation, cheap before dear, each with what it is held against."""
