"""Who may do what, through a running product: a role's change acts on who is logged in."""

import pytest

from tests.product import Product


@pytest.mark.timeout(300)  # with the product's start
def test_a_roles_change_acts_on_the_next_request_of_a_running_session(product: Product) -> None:
    admin, worker = product.client("admin"), product.client("backoffice")
    role = admin.get("/roles/backoffice").raise_for_status().json()
    had = [grant["permission"] for grant in role["grants"]]
    assert worker.get("/campaigns").status_code == 403
    more = {"permissions": [*had, "campaign.read"], "version": role["version"]}
    changed = admin.patch("/roles/backoffice", json=more).raise_for_status().json()
    try:
        assert worker.get("/campaigns").status_code == 200
        granted = {grant["permission"]: grant["granted_by"] for grant in changed["grants"]}
        assert granted["campaign.read"] == "Administrador"
    finally:
        admin.patch("/roles/backoffice", json={"permissions": had}).raise_for_status()
    assert worker.get("/campaigns").status_code == 403


@pytest.mark.timeout(300)
def test_the_administrator_cannot_give_the_administration_away(product: Product) -> None:
    admin = product.client("admin")
    role = admin.get("/roles/admin").raise_for_status().json()
    kept = [item["permission"] for item in role["grants"] if item["permission"] != "user.write"]
    assert admin.patch("/roles/admin", json={"permissions": kept}).status_code == 409
    assert admin.get("/roles").status_code == 200
