// The life of a shop's objects, through the gateway to localstripe: what the SDK gets back must be what it gets without a gateway.

import Stripe from 'stripe';
import { check, client, done, plan, raised, step } from './steps.mjs';

const stripe = client(plan.keys.secret);
let customer, product, price, method;

await step('a customer is created, read and changed', async () => {
  customer = await stripe.customers.create({ name: 'Ann', email: 'ann@example.com' });
  check(customer.object, 'customer');
  check((await stripe.customers.retrieve(customer.id)).email, 'ann@example.com');
  const changed = await stripe.customers.update(customer.id, { metadata: { tier: 'gold' } });
  check(changed.metadata.tier, 'gold');
  check(changed.name, 'Ann');
});

await step('a list pages by itself', async () => {
  const ids = new Set([customer.id]);
  for (let number = 0; number < 11; number += 1) {
    ids.add((await stripe.customers.create({ name: `Customer ${number}` })).id);
  }
  const first = await stripe.customers.list({ limit: 5 });
  check(first.data.length, 5);
  check(first.has_more, true);
  const seen = new Set();
  for await (const one of stripe.customers.list({ limit: 5 })) seen.add(one.id);
  check(seen, ids);
});

await step('a product and what it costs', async () => {
  product = await stripe.products.create({ name: 'Gold' });
  price = await stripe.plans.create({ product: product.id, amount: 1500, currency: 'eur', interval: 'month' });
  check((await stripe.plans.retrieve(price.id)).product, product.id);
  const listed = await stripe.plans.list({ product: product.id });
  check(listed.data.map((one) => one.id), [price.id]);
});

await step('a card is attached', async () => {
  const card = { number: '4242424242424242', exp_month: 12, exp_year: 2040, cvc: '123' };
  method = await stripe.paymentMethods.create({ type: 'card', card });
  const attached = await stripe.paymentMethods.attach(method.id, { customer: customer.id });
  check(attached.customer, customer.id);
  check(attached.card.last4, '4242');
});

await step('a payment intent is confirmed and refunded', async () => {
  const amount = { amount: 2000, currency: 'eur', customer: customer.id };
  let intent = await stripe.paymentIntents.create({ ...amount, payment_method: method.id });
  check(intent.status, 'requires_confirmation');
  intent = await stripe.paymentIntents.confirm(intent.id);
  check(intent.status, 'succeeded');
  const charge = (await stripe.charges.list({ customer: customer.id })).data[0];
  check((await stripe.refunds.create({ charge: charge.id, amount: 500 })).status, 'succeeded');
  check((await stripe.charges.retrieve(charge.id)).amount_refunded, 500);
});

await step("a declined card is the upstream's own answer", async () => {
  const card = { number: '4000000000000002', exp_month: 12, exp_year: 2040, cvc: '123' };
  const declined = await stripe.paymentMethods.create({ type: 'card', card });
  const attach = () => stripe.paymentMethods.attach(declined.id, { customer: customer.id });
  const error = await raised(Stripe.errors.StripeCardError, attach);
  check(error.code, 'card_declined');
  check(error.headers['x-keyward-denied'], undefined);
});

await step('a subscription starts and ends', async () => {
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  const items = [{ plan: price.id, quantity: 2 }];
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items });
  check(subscription.status, 'active');
  check((await stripe.invoices.retrieve(subscription.latest_invoice)).total, 3000);
  check((await stripe.subscriptions.cancel(subscription.id)).status, 'canceled');
});

await step("a missing object is the upstream's own answer", async () => {
  const error = await raised(Stripe.errors.StripeInvalidRequestError, () => stripe.customers.retrieve('cus_missing'));
  check(error.statusCode, 404);
  check(error.headers['x-keyward-denied'], undefined);
});

await step('the balance is read', async () => {
  check((await stripe.balance.retrieve()).available.currency, 'eur');
});

await step('the customer is deleted', async () => {
  check((await stripe.customers.del(customer.id)).deleted, true);
});

done();
