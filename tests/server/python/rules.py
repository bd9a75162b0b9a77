"""All calls of `client.v2.iam.api_keys`, auto-pagination, and the classes of errors. Reads the gateway's address, the first key and the number of keys
that the account `acct_many` has, a line each; prints one line of JSON for each thing it saw."""

import json
import sys
import time

import stripe

base, first, count = (sys.stdin.readline().strip() for _ in range(3))
client = stripe.StripeClient(first, base_addresses={"api": base}, max_network_retries=0)
keys = client.v2.iam.api_keys


def tell(**seen):
    print(json.dumps(seen), flush=True)


def error(call):
    try:
        call()
    except stripe.StripeError as raised:
        return {"class": type(raised).__name__, "status": raised.http_status, "code": raised.json_body["error"].get("code")}
    return None


def known(of):
    """Waits until the gateway's workers know a key: "published" is said of the file that they watch."""
    until, passed = time.monotonic() + 30, 0
    while passed < 10:
        try:
            of.v2.iam.api_keys.list()
            passed += 1
        except stripe.AuthenticationError:
            passed = 0
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def new(**more):
    return {"type": "secret_key", "keyward": {"owner": "acct_widgets", "livemode": False}, **more}


listed = keys.list({"limit": 100, "owner": "acct_many"})
ids = [key.id for key in listed.auto_paging_iter()]
tell(what="pagination", count=len(ids), different=len(set(ids)), first=len(listed.data))

key = keys.create(new(name="One", permissions=["customer_read", "charge_write"], ip_allowlist=["203.0.113.0/24"]))
tell(what="created", has_token=key.secret_key.token is not None, ips=key.ip_allowlist)
key = keys.update(key.id, {"name": "Two", "note": "vault: one", "permissions": []})
tell(what="updated", name=key.name, note=key.note, permissions=key.permissions, token=key.secret_key.token)
key = keys.update(key.id, {"permissions": ["customer_write"], "ip_allowlist": []})
tell(what="updated again", permissions=key.permissions, ips=key.ip_allowlist)
replacement = keys.rotate(key.id, {"expire_current_key_in_minutes": 60})
old = keys.retrieve(key.id)
tell(what="rotated", has_token=replacement.secret_key.token is not None, is_new=replacement.id != key.id, permissions=replacement.permissions,
     replaces=replacement.keyward.replaces == key.id, replaced=old.keyward.replaced_by == replacement.id, old=old.status, ends=old.expires_at is not None)
tell(what="no token in a list", tokens=[one.secret_key.token for one in keys.list({"owner": "acct_widgets", "limit": 100}).data])

tell(what="missing", error=error(lambda: keys.retrieve("mk_nothere")))
tell(what="unknown permission", error=error(lambda: keys.create(new(permissions=["custmer_read"]))))
tell(what="unknown member", error=error(lambda: keys.create(new(colour="red"))))
tell(what="host bits", error=error(lambda: keys.create(new(ip_allowlist=["203.0.113.7/24"]))))
tell(what="replaced", error=error(lambda: keys.rotate(key.id, {})))
tell(what="bad key", error=error(lambda: stripe.StripeClient("rk_live_FAKE-nobody-0001", base_addresses={"api": base}).v2.iam.api_keys.list()))
once = {"idempotency_key": "one"}
keys.create(new(name="Once"), once)
tell(what="repeated", error=error(lambda: keys.create(new(name="Once"), once)))
tell(what="another request", error=error(lambda: keys.create(new(name="Twice"), once)))
weak = client.raw_request("post", "/v2/iam/api_keys", **new(name="Backend", permissions=["api_key_write"], keyward={
    "owner": "acct_widgets", "livemode": False, "override_policy": True, "reason": "a backend that makes keys"}))
tell(what="management", status=weak.code)
backend = stripe.StripeClient(json.loads(weak.body)["secret_key"]["token"], base_addresses={"api": base}, max_network_retries=0)
client.raw_request("get", f"/v2/keyward/changes/{weak.headers['Keyward-Change']}?wait=10")
known(backend)
tell(what="own account", count=len(backend.v2.iam.api_keys.list().data) > 0)
tell(what="test makes live", error=error(lambda: backend.v2.iam.api_keys.create(
    {"type": "secret_key", "permissions": ["customer_read"], "keyward": {"livemode": True}})))
tell(what="makes a manager", error=error(lambda: backend.v2.iam.api_keys.create(
    {"type": "secret_key", "permissions": ["api_key_read"]})))
tell(what="makes an unrestricted key", error=error(lambda: backend.v2.iam.api_keys.create(
    {"type": "secret_key", "keyward": {"kind": "secret"}})))
tell(what="another tenant", error=error(lambda: backend.v2.iam.api_keys.retrieve(ids[0])))
digest = {"owner": "acct_widgets", "livemode": False, "sha256": "ab" * 32}
keys.create(new(name="By digest", keyward=digest))
tell(what="same digest", error=error(lambda: keys.create(new(name="Another", keyward=digest))))
tell(what="public key", error=error(lambda: keys.create(new(public_key={"pem_key": {"algorithm": "RSA", "data": "a"}}))))
client.raw_request("post", "/v2/keyward/key_policies", name="few", max_keys=1)
client.raw_request("post", "/v2/keyward/accounts", id="acct_few", policy="few")
few = {"type": "secret_key", "keyward": {"owner": "acct_few", "livemode": False}}
keys.create(few)
tell(what="too many", error=error(lambda: keys.create(few)))
file = """format = "keyward.keys/v1"
[[accounts]]
id = "acct_file"
[[keys]]
id = "mk_file"
kind = "restricted"
mode = "test"
owner = "acct_file"
grants = { customer = "read" }
sha256 = "%s"
""" % ("cd" * 32)
plan = json.loads(client.raw_request("post", "/v2/keyward/key_file/plan", **{
    "as": "services", "files": {"keys.toml": file}, "override_policy": True, "reason": "a file"}).body)
client.raw_request("post", "/v2/keyward/key_file/apply", plan=plan["plan"], confirm=plan["count"])
tell(what="of a file", error=error(lambda: keys.update("mk_file", {"name": "Mine"})))
looked = (error(lambda: backend.raw_request("post", "/v2/keyward/api_keys/lookup", sha256="ef" * 32)) for _ in range(500))
tell(what="too often", error=next((one for one in looked if one["status"] == 429), None))
tell(what="deleted", status=client.raw_request("delete", f"/v2/keyward/api_keys/{replacement.id}").code, state=keys.retrieve(replacement.id).status)
logs = client.v2.iam.activity_logs.list({"limit": 5})
tell(what="activity", types=[log.type for log in logs.data], newest=logs.data[0].details["api_key"]["id"] == replacement.id)
tell(what="now with ends only")
sys.stdin.readline()
tell(what="ends only", error=error(lambda: keys.create(new())))
