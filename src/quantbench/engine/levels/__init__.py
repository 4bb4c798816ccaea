"""Where a position ends: stop-out, stop, take and the stops that follow, compiled."""
