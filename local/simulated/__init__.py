"""Simulated model vendors: one server that speaks Bedrock Converse and OpenAI-compatible chat completions.

Quotas are counted as each vendor documents it, on purpose without any of Rota's own arithmetic: this is what judges it.
"""
