"""The pure kernel of account mapping: bytes, arrays and frames in, values out.

No I/O, no clock, no log, no settings, no framework. Everything here can be tested with values alone.
"""
