"""What pages ask for: text in, domain values out. One file a noun; base.py is what they share."""
