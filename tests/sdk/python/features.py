"""What localstripe has not, through the gateway to an upstream that answers as Stripe would: other kinds of keys, contexts, v2, search, files."""

import io

from steps import PLAN, check, client, done, step
from stripe import StripeContext

PLATFORM, CONNECTED = PLAN["platform"], PLAN["connected"]
support, publishable = client(PLAN["keys"]["support"]), client(PLAN["keys"]["publishable"])
secret, organization = client(PLAN["keys"]["secret"]), client(PLAN["keys"]["organization"])


@step("a restricted key lists page by page")
def _():
    names = [customer.name for customer in support.v1.customers.list({"limit": 2}).auto_paging_iter()]
    check(names, ["one", "two", "three"])


@step("a search pages by itself")
def _():
    found = support.v1.customers.search({"query": "name:'t'", "limit": 1})
    check([customer.name for customer in found.auto_paging_iter()], ["two", "three"])


@step("an idempotency key replays")
def _():
    charge = {"amount": 700, "currency": "eur", "source": "tok_visa"}
    options = {"idempotency_key": "order-7"}
    first = support.v1.charges.create(charge, options=options)
    again = support.v1.charges.create(charge, options=options)
    check(again.id, first.id)
    check(first.last_response.headers.get("idempotent-replayed"), None)
    check(again.last_response.headers["idempotent-replayed"], "true")


@step("a product gets a price")
def _():
    product = support.v1.products.create({"name": "Gold"})
    price = {"product": product.id, "unit_amount": 1500, "currency": "eur"}
    check(support.v1.prices.create(price).object, "price")


@step("a file is uploaded")
def _():
    content = io.BytesIO(b"%PDF-1.7 evidence")
    file = secret.v1.files.create({"purpose": "dispute_evidence", "file": content})
    check(file.object, "file")
    check(file.size, 17)


@step("a publishable key makes a token")
def _():
    check(publishable.v1.tokens.create({"pii": {"id_number": "000000000"}}).object, "token")


@step("v2 lists page by page")
def _():
    events = secret.v2.core.events.list({"object_id": "mtr_1"})
    check([event.id for event in events.auto_paging_iter()], ["evt_1", "evt_2"])


@step("v2 takes JSON, in the context of a connected account")
def _():
    meter_event = {"event_name": "tokens", "payload": {"value": "25", "stripe_customer_id": "cus_1"}}
    options = {"stripe_context": StripeContext.parse(CONNECTED)}
    check(secret.v2.billing.meter_events.create(meter_event, options).event_name, "tokens")


@step("an organization's key acts in a StripeContext")
def _():
    context = StripeContext([PLATFORM])
    check(organization.v1.balance.retrieve(options={"stripe_context": context}).object, "balance")
    deeper = context.push(CONNECTED)
    check(organization.v1.balance.retrieve(options={"stripe_context": deeper}).object, "balance")
    check(deeper.pop(), context)


@step("a client is bound to its context")
def _():
    bound = client(PLAN["keys"]["organization"], stripe_context=f"{PLATFORM}/{CONNECTED}")
    check(bound.v1.customers.create({"name": "Ann"}).object, "customer")


@step("a platform acts for a connected account")
def _():
    options = {"stripe_account": CONNECTED}
    check(secret.v1.charges.create({"amount": 1, "currency": "eur"}, options=options).object, "charge")
    check(support.v1.balance.retrieve(options=options).object, "balance")


done()
