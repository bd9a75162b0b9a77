"""The life of a key, by Stripe's SDK: made, shown once, ended. What it reads are the gateway's address and the first key, a line each; what it
prints are the answers, a line of JSON each. Between the two it waits for a line, so that whoever runs it can use the key."""

import json
import sys

import stripe

base, first = (sys.stdin.readline().strip() for _ in range(2))
client = stripe.StripeClient(first, base_addresses={"api": base}, max_network_retries=0)


def tell(key):
    print(json.dumps({"id": key.id, "type": key.type, "status": key.status, "name": key.name, "token": key.secret_key.token,
                      "redacted": key.secret_key.secret_token_redacted, "permissions": key.permissions,
                      "owner": key.keyward.owner, "kind": key.keyward.kind}), flush=True)


tell(client.v2.iam.api_keys.create({
    "type": "secret_key",
    "name": "Support desk",
    "permissions": ["customer_read"],
    "keyward": {"owner": "acct_widgets", "livemode": False},
}))
created = json.loads(sys.stdin.readline())
tell(client.v2.iam.api_keys.retrieve(created["id"]))
tell(client.v2.iam.api_keys.expire(created["id"]))
