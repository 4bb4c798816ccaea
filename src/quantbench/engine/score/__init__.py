"""The metrics a search compares trials by, compiled; equal to `engine.metrics` by test."""
