"""The product without containers: private servers and all processes under one supervisor."""
