// The parts that the scripts share: their plan, and one JSON line per step. A script that does
// nothing therefore cannot pass for one that works.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Stripe from 'stripe';

export const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const { hostname, port } = new URL(plan.url);
let told = 0;
let checks = 0;

export function tell(line) {
  console.log(JSON.stringify(line));
  told += 1;
}

/** The SDK as its users have it, but for the address. */
export function client(key, options = {}) {
  const maxNetworkRetries = plan.retries ?? 2;
  return new Stripe(key, { host: hostname, port, protocol: 'http', maxNetworkRetries, telemetry: false, ...options });
}

export function check(actual, expected) {
  checks += 1;
  assert.deepEqual(actual, expected);
}

/** The error that `call` fails with, which has to be exactly of that class. */
export async function raised(kind, call) {
  const error = await call().then(() => assert.fail(`no ${kind.name}`), (error) => error);
  check(error.constructor, kind);
  return error;
}

/** Runs a function at once; the first step that fails is the last. */
export async function step(name, run) {
  checks = 0;
  try {
    await run();
  } catch (error) {
    tell({ name, ok: false, why: error.stack });
    process.exit(1);
  }
  tell({ name, ok: true, checks });
}

export function done() {
  tell({ done: told });
}
