"""Rota beside every alternative: the same vendors, the same work, the same minutes. See README.md beside this."""
