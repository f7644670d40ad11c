"""Extractive mode beside published ways of picking sentences, against summaries that were written by hand."""
