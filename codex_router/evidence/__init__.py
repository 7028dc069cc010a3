"""Everything read becomes the same few records: tables, sessions, ledger, prices."""
