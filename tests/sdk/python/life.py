"""The life of a shop's objects, through the gateway to localstripe: what the SDK gets back must be what it gets without a gateway."""

from types import SimpleNamespace

import stripe
from steps import PLAN, check, client, done, raised, step

api = client(PLAN["keys"]["secret"])
made = SimpleNamespace()


@step("a customer is created, read and changed")
def _():
    made.customer = api.v1.customers.create({"name": "Ann", "email": "ann@example.com"})
    check(made.customer.object, "customer")
    check(api.v1.customers.retrieve(made.customer.id).email, "ann@example.com")
    changed = api.v1.customers.update(made.customer.id, {"metadata": {"tier": "gold"}})
    check(changed.metadata["tier"], "gold")
    check(changed.name, "Ann")


@step("a list pages by itself")
def _():
    ids = {made.customer.id}
    for number in range(11):
        ids.add(api.v1.customers.create({"name": f"Customer {number}"}).id)
    first = api.v1.customers.list({"limit": 5})
    check(len(first.data), 5)
    check(first.has_more, True)
    every = api.v1.customers.list({"limit": 5}).auto_paging_iter()
    check({customer.id for customer in every}, ids)


@step("a product and what it costs")
def _():
    made.product = api.v1.products.create({"name": "Gold"})
    plan = {"product": made.product.id, "amount": 1500, "currency": "eur", "interval": "month"}
    made.plan = api.v1.plans.create(plan)
    check(api.v1.plans.retrieve(made.plan.id).product, made.product.id)
    check([plan.id for plan in api.v1.plans.list({"product": made.product.id}).data], [made.plan.id])


@step("a card is attached")
def _():
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    made.method = api.v1.payment_methods.create({"type": "card", "card": card})
    attached = api.v1.payment_methods.attach(made.method.id, {"customer": made.customer.id})
    check(attached.customer, made.customer.id)
    check(attached.card.last4, "4242")


@step("a payment intent is confirmed and refunded")
def _():
    amount = {"amount": 2000, "currency": "eur", "customer": made.customer.id}
    intent = api.v1.payment_intents.create({**amount, "payment_method": made.method.id})
    check(intent.status, "requires_confirmation")
    intent = api.v1.payment_intents.confirm(intent.id)
    check(intent.status, "succeeded")
    charge = api.v1.charges.list({"customer": made.customer.id}).data[0]
    check(api.v1.refunds.create({"charge": charge.id, "amount": 500}).status, "succeeded")
    check(api.v1.charges.retrieve(charge.id).amount_refunded, 500)


@step("a declined card is the upstream's own answer")
def _():
    card = {"number": "4000000000000002", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    method = api.v1.payment_methods.create({"type": "card", "card": card})
    customer = {"customer": made.customer.id}
    attach = lambda: api.v1.payment_methods.attach(method.id, customer)
    error = raised(stripe.CardError, attach)
    check(error.code, "card_declined")
    check(error.headers.get("x-keyward-denied"), None)


@step("a subscription starts and ends")
def _():
    api.v1.customers.update(
        made.customer.id, {"invoice_settings": {"default_payment_method": made.method.id}}
    )
    items = [{"plan": made.plan.id, "quantity": 2}]
    subscription = api.v1.subscriptions.create({"customer": made.customer.id, "items": items})
    check(subscription.status, "active")
    invoice = api.v1.invoices.retrieve(subscription.latest_invoice)
    check(invoice.total, 3000)
    check(api.v1.subscriptions.cancel(subscription.id).status, "canceled")


@step("a missing object is the upstream's own answer")
def _():
    error = raised(stripe.InvalidRequestError, lambda: api.v1.customers.retrieve("cus_missing"))
    check(error.http_status, 404)
    check(error.headers.get("x-keyward-denied"), None)


@step("the balance is read")
def _():
    check(api.v1.balance.retrieve().available["currency"], "eur")


@step("the customer is deleted")
def _():
    check(api.v1.customers.delete(made.customer.id).deleted, True)


done()
