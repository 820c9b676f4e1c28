"""Millrace, broken on purpose: killed, stopped, and looked at afterwards."""
