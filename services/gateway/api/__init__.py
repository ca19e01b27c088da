"""REST under /api/v1: every module here exports `api`; `app.py` finds it by its place."""
