"""Keys made, read, listed, rotated and ended on keyward-server by the released SDK, which has no method for that: `raw_request`. The last line has the
values that were made, so that whoever runs this can use them."""

import json

import stripe
from steps import PLAN, check, client, done, raised, step, tell

sdk = client(PLAN["key"])


def call(method, path, **params):
    return json.loads(sdk.raw_request(method, path, **params).body)


made = []


@step("a key is made, and its value is in no other answer")
def _():
    key = call("post", "/v2/iam/api_keys", type="secret_key", name="Released", permissions=["customer_read"], keyward={"owner": PLAN["owner"], "livemode": False})
    made.append(key)
    check(key["object"], "v2.iam.api_key")
    check(key["secret_key"]["token"].startswith("rk_test_"), True)
    read = call("get", f"/v2/iam/api_keys/{key['id']}")
    check(read["secret_key"]["token"], None)
    check(read["permissions"], ["customer_read"])


@step("the same request makes no second key")
def _():
    body = {"type": "secret_key", "permissions": [], "keyward": {"owner": PLAN["owner"], "livemode": False, "sha256": "ab" * 32}}
    first = json.loads(sdk.raw_request("post", "/v2/iam/api_keys", idempotency_key="released-python", **body).body)
    again = json.loads(sdk.raw_request("post", "/v2/iam/api_keys", idempotency_key="released-python", **body).body)
    check(first["id"], again["id"])


@step("a list pages by its next_page_url")
def _():
    for _number in range(3):
        call("post", "/v2/iam/api_keys", type="secret_key", permissions=[], keyward={"owner": PLAN["owner"], "livemode": False})
    ids, path = [], f"/v2/iam/api_keys?owner={PLAN['owner']}&limit=2"
    while path:
        page = call("get", path)
        check(len(page["data"]) <= 2, True)
        ids += [key["id"] for key in page["data"]]
        path = page["next_page_url"]
    check(len(ids), 5)
    check(len(set(ids)), 5)
    check(made[0]["id"] in ids, True)


@step("a key is rotated, and the old one goes on for an hour")
def _():
    new = call("post", f"/v2/iam/api_keys/{made[0]['id']}/rotate", expire_current_key_in_minutes=60)
    made.append(new)
    check(new["keyward"]["replaces"], made[0]["id"])
    old = call("get", f"/v2/iam/api_keys/{made[0]['id']}")
    check(old["status"], "active")
    check(old["expires_at"] is not None, True)


@step("a key is ended")
def _():
    check(call("post", f"/v2/iam/api_keys/{made[0]['id']}/expire")["status"], "expired")


@step("errors are of the SDK's classes")
def _():
    missing = raised(stripe.InvalidRequestError, lambda: call("get", "/v2/iam/api_keys/mk_none"))
    check(missing.http_status, 404)
    unknown = raised(stripe.InvalidRequestError, lambda: call("post", "/v2/iam/api_keys", type="secret_key", permissions=["custmer_read"], keyward={"owner": PLAN["owner"], "livemode": False}))
    check(unknown.json_body["error"]["code"], "permission_unknown")


tell(name="values", ok=True, checks=len(made), made=[key["secret_key"]["token"] for key in made])
done()
