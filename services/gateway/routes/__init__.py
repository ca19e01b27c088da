"""Web pages: every module here exports `pages`; `app.py` finds it by its place."""
