// The features that localstripe lacks, through the gateway to an upstream that answers as Stripe
// would: other kinds of keys, contexts, v2, search, files.

import Stripe from 'stripe';
import { check, client, done, plan, step } from './steps.mjs';

const { platform, connected } = plan;
const [support, publishable, secret, organization] = ['support', 'publishable', 'secret', 'organization'].map((name) =>
  client(plan.keys[name]),
);

async function all(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

await step('a restricted key lists page by page', async () => {
  const customers = await all(support.customers.list({ limit: 2 }));
  check(customers.map((customer) => customer.name), ['one', 'two', 'three']);
});

await step('a search pages by itself', async () => {
  const found = await all(support.customers.search({ query: "name:'t'", limit: 1 }));
  check(found.map((customer) => customer.name), ['two', 'three']);
});

await step('an idempotency key replays', async () => {
  const charge = { amount: 700, currency: 'eur', source: 'tok_visa' };
  const options = { idempotencyKey: 'order-7' };
  const first = await support.charges.create(charge, options);
  const again = await support.charges.create(charge, options);
  check(again.id, first.id);
  check(first.lastResponse.headers['idempotent-replayed'], undefined);
  check(again.lastResponse.headers['idempotent-replayed'], 'true');
});

await step('a product gets a price', async () => {
  const product = await support.products.create({ name: 'Gold' });
  const price = await support.prices.create({ product: product.id, unit_amount: 1500, currency: 'eur' });
  check(price.object, 'price');
});

await step('a file is uploaded', async () => {
  const content = { data: Buffer.from('%PDF-1.7 evidence'), name: 'evidence.pdf', type: 'application/pdf' };
  const file = await secret.files.create({ purpose: 'dispute_evidence', file: content });
  check(file.object, 'file');
  check(file.size, 17);
});

await step('a publishable key makes a token', async () => {
  check((await publishable.tokens.create({ pii: { id_number: '000000000' } })).object, 'token');
});

await step('v2 lists page by page', async () => {
  const events = await all(secret.v2.core.events.list({ object_id: 'mtr_1' }));
  check(events.map((event) => event.id), ['evt_1', 'evt_2']);
});

await step('v2 takes JSON, in the context of a connected account', async () => {
  const meterEvent = { event_name: 'tokens', payload: { value: '25', stripe_customer_id: 'cus_1' } };
  const options = { stripeContext: Stripe.StripeContext.parse(connected) };
  check((await secret.v2.billing.meterEvents.create(meterEvent, options)).event_name, 'tokens');
});

await step("an organization's key acts in a StripeContext", async () => {
  const context = new Stripe.StripeContext([platform]);
  check((await organization.balance.retrieve({}, { stripeContext: context })).object, 'balance');
  const deeper = context.push(connected);
  check((await organization.balance.retrieve({}, { stripeContext: deeper })).object, 'balance');
  check(deeper.pop().toString(), context.toString());
});

await step('a client is bound to its context', async () => {
  const bound = client(plan.keys.organization, { stripeContext: `${platform}/${connected}` });
  check((await bound.customers.create({ name: 'Ann' })).object, 'customer');
});

await step('a platform acts for a connected account', async () => {
  const options = { stripeAccount: connected };
  check((await secret.charges.create({ amount: 1, currency: 'eur' }, options)).object, 'charge');
  check((await support.balance.retrieve({}, options)).object, 'balance');
});

done();
