"""Makes the calls of a plan, and tells of each what the SDK made of the answer."""

import stripe
from steps import PLAN, client, done, tell

CALLS = {
    "balance.retrieve": lambda api, options: api.v1.balance.retrieve(options=options),
    "customers.list": lambda api, options: api.v1.customers.list(options=options),
    "customers.list, expanded": lambda api, options: api.v1.customers.list({"expand": ["name"]}, options),
    "customers.create": lambda api, options: api.v1.customers.create({"name": "Ann"}, options),
    "payment_intents.create": lambda api, options: api.v1.payment_intents.create(
        {"amount": 100, "currency": "eur"}, options
    ),
    "v2.core.events.list": lambda api, options: api.v2.core.events.list(options=options),
    "nonsense": lambda api, options: api.raw_request("get", "/v1/nonsense", **options),
}


class Edited(stripe.RequestsClient):
    """The SDK's HTTP client, behind something that takes headers away or adds some."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def request(self, method, url, headers, post_data=None):
        dropped = self.call.get("drop", [])
        kept = {name: value for name, value in headers.items() if name.lower() not in dropped}
        return super().request(method, url, {**kept, **self.call.get("add", {})}, post_data)


def options(call):
    named = {"stripe_account": "account", "stripe_context": "context", "stripe_version": "version"}
    return {option: call[name] for option, name in named.items() if name in call}


def outcome(call):
    edited = Edited(call) if "drop" in call or "add" in call else None
    api = client(call["key"], http_client=edited)
    try:
        CALLS[call["call"]](api, options(call))
    except stripe.StripeError as error:
        return {
            "class": type(error).__name__,
            "status": error.http_status,
            # People branch on both of these. `error.code` is empty for errors of authentication and
            # permission, from any server.
            "code": error.error.code,
            "type": error.error.type,
            "message": error.user_message,
            "param": error.error.param,
            "doc_url": error.error.doc_url,
            "request_id": error.request_id,
            "denied": error.headers.get("x-keyward-denied"),
        }
    return None


for call in PLAN["calls"]:
    tell(name=call["name"], error=outcome(call))
done()
