// Makes the calls of a plan, and reports what the SDK made of each answer.

import Stripe from 'stripe';
import { client, done, plan, tell } from './steps.mjs';

const CALLS = {
  'balance.retrieve': (stripe, options) => stripe.balance.retrieve({}, options),
  'customers.list': (stripe, options) => stripe.customers.list({}, options),
  'customers.list, expanded': (stripe, options) => stripe.customers.list({ expand: ['name'] }, options),
  'customers.create': (stripe, options) => stripe.customers.create({ name: 'Ann' }, options),
  'payment_intents.create': (stripe, options) => stripe.paymentIntents.create({ amount: 100, currency: 'eur' }, options),
  'v2.core.events.list': (stripe, options) => stripe.v2.core.events.list({}, options),
  nonsense: (stripe, options) => stripe.rawRequest('GET', '/v1/nonsense', null, options),
};

/** The SDK's HTTP client, behind something that takes headers away or adds some. */
class Edited extends Stripe.HttpClient {
  constructor(call) {
    super();
    this.call = call;
    this.inner = Stripe.createNodeHttpClient();
  }

  getClientName() {
    return this.inner.getClientName();
  }

  makeRequest(host, port, path, method, headers, ...rest) {
    const dropped = this.call.drop ?? [];
    const kept = Object.entries(headers).filter(([name]) => !dropped.includes(name.toLowerCase()));
    return this.inner.makeRequest(host, port, path, method, { ...Object.fromEntries(kept), ...this.call.add }, ...rest);
  }
}

function options(call) {
  const named = { stripeAccount: call.account, stripeContext: call.context, apiVersion: call.version };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

async function outcome(call) {
  const stripe = client(call.key, call.drop || call.add ? { httpClient: new Edited(call) } : {});
  try {
    await CALLS[call.call](stripe, options(call));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    return {
      class: error.constructor.name,
      status: error.statusCode,
      code: error.code,
      type: error.rawType,
      message: error.message,
      param: error.param,
      doc_url: error.doc_url,
      request_id: error.requestId,
      denied: error.headers['x-keyward-denied'],
    };
  }
  return null;
}

for (const call of plan.calls) {
  tell({ name: call.name, error: await outcome(call) });
}
done();
