"""Eight paths of money side by side in vector instructions."""
