// Makes, reads, lists, rotates and ends keys on keyward-server with the released SDK, which has no
// methods for that: `rawRequest`. The last line contains the values of the new keys, so that the
// caller can use them.

import Stripe from 'stripe';
import { check, client, done, plan, raised, step, tell } from './steps.mjs';

const stripe = client(plan.key);
const made = [];
const ours = { owner: plan.owner, livemode: false };

await step('a key is made, and its value is in no other answer', async () => {
  const key = await stripe.rawRequest('POST', '/v2/iam/api_keys', { type: 'secret_key', name: 'Released', permissions: ['customer_read'], keyward: ours });
  made.push(key);
  check(key.object, 'v2.iam.api_key');
  check(key.secret_key.token.startsWith('rk_test_'), true);
  const read = await stripe.rawRequest('GET', `/v2/iam/api_keys/${key.id}`);
  check(read.secret_key.token, null);
  check(read.permissions, ['customer_read']);
});

await step('the same request makes no second key', async () => {
  const body = { type: 'secret_key', permissions: [], keyward: { ...ours, sha256: 'cd'.repeat(32) } };
  const options = { idempotencyKey: 'released-node' };
  const first = await stripe.rawRequest('POST', '/v2/iam/api_keys', body, options);
  const again = await stripe.rawRequest('POST', '/v2/iam/api_keys', body, options);
  check(first.id, again.id);
});

await step('a list pages by its next_page_url', async () => {
  for (let number = 0; number < 3; number += 1) {
    await stripe.rawRequest('POST', '/v2/iam/api_keys', { type: 'secret_key', permissions: [], keyward: ours });
  }
  const ids = [];
  let path = `/v2/iam/api_keys?owner=${plan.owner}&limit=2`;
  while (path) {
    const page = await stripe.rawRequest('GET', path);
    check(page.data.length <= 2, true);
    ids.push(...page.data.map((key) => key.id));
    path = page.next_page_url;
  }
  check(ids.length, 5);
  check(new Set(ids).size, 5);
  check(ids.includes(made[0].id), true);
});

await step('a key is rotated, and the old one goes on for an hour', async () => {
  const replaced = await stripe.rawRequest('POST', `/v2/iam/api_keys/${made[0].id}/rotate`, { expire_current_key_in_minutes: 60 });
  made.push(replaced);
  check(replaced.keyward.replaces, made[0].id);
  const old = await stripe.rawRequest('GET', `/v2/iam/api_keys/${made[0].id}`);
  check(old.status, 'active');
  check(old.expires_at !== null, true);
});

await step('a key is ended', async () => {
  check((await stripe.rawRequest('POST', `/v2/iam/api_keys/${made[0].id}/expire`, {})).status, 'expired');
});

await step("errors are of the SDK's classes", async () => {
  const missing = await raised(Stripe.errors.StripeInvalidRequestError, () => stripe.rawRequest('GET', '/v2/iam/api_keys/mk_none'));
  check(missing.statusCode, 404);
  const unknown = await raised(Stripe.errors.StripeInvalidRequestError, () => stripe.rawRequest('POST', '/v2/iam/api_keys', { type: 'secret_key', permissions: ['custmer_read'], keyward: ours }));
  check(unknown.code, 'permission_unknown');
});

tell({ name: 'values', ok: true, checks: made.length, made: made.map((key) => key.secret_key.token) });
done();
