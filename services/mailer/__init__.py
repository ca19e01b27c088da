"""mailer: designs, mailing runs and their ledger, the monthly run, unsubscription."""
