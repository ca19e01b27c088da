"""The SOAP door of the risk bureau, on a real Redis and a real HTTP server."""
