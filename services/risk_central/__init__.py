"""The risk bureau: persons and their risk in Redis, asked over SOAP."""
