"""gateway: web pages and REST API over the rooms."""
