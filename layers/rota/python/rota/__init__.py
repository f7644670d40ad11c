"""Rota: read a pile of documents with every model you have quota for, and never trip a rate limit."""
