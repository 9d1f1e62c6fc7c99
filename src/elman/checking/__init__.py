"""Check anything: this machine (`health`), a student's file (`worksheets`), a model (`laws`)."""
