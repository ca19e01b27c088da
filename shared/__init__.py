"""What every room stands on: settings, database, events, RPC, jobs and the rules of Ecuador."""
