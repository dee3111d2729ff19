"""Spectra as scanners deliver them, with known truth, and how fits of them come out."""
