// The portal's pages: their states, the data that they need, and checks that apply to each.
import { expect } from "./fixture.js";
import { seen as looked } from "./looks.js";
import { HOSTILE } from "./states.js";
import { account, api, eventually, key, url, used } from "./world.js";

const DAY = 86_400_000;
export const at = (days) => new Date(Date.now() + days * DAY).toISOString();
export const refusals = [/status of (400|401|403|404|409|422)/];
export const tag = `p${process.pid}`;

/** A link for the people of an account. */
export async function portal(of, more = {}) {
  const body = { account: of, actor: { id: "ada@acme.example", name: "Ada Admin" }, return_url: `${new URL(url).origin.replace(/:\d+$/, "")}/back`, ...more };
  return (await api("POST", "/v2/keyward/portal_sessions", body)).url.replace(/^[a-z]+:\/\/[^/]+/, url);
}

export async function enter(page, of, more) {
  await page.goto(await portal(of, more));
  await expect(page.locator("main")).toContainText("Continue as Ada Admin");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((now) => now.pathname.startsWith("/portal/keys"));
}

let made;
export const world = () => (made ??= make());
async function make() {
  const policy = (name, members) => api("POST", "/v2/keyward/key_policies", { name: `${name}-${tag}`, ...members }).then((one) => one.name);
  await api("POST", "/v2/keyward/grant_sets", { name: `reports-${tag}`, permissions: ["charge_read", "invoice_read"] });
  const customers = await policy("customers", { permissions: ["customer_write", "charge_write", "invoice_read", "balance_read"], grant_sets: [`reports-${tag}`], max_keys: 20 });
  const strict = await policy("strict", { grant_sets: [`reports-${tag}`], free_choice: false, max_lifetime: "30d", default_lifetime: "30d", require_ip_allowlist: { live: true, test: true }, allow_delete: false });
  const full = await policy("full", { permissions: ["customer_read"], max_keys: 1 });
  const acme = (await account({ name: "Acme GmbH", policy: customers })).id;
  const tree = (await account({ name: "Globex Holding and its daughters", policy: customers })).id;
  const below = (await account({ name: "Globex Ltd.", parent: tree, policy: strict })).id;
  const empty = (await account({ name: "Empty", policy: customers })).id;
  const bound = (await account({ name: "Strict", policy: strict })).id;
  const busy = (await account({ name: "Full", policy: full })).id;
  const keys = {
    active: await key(acme, { name: "Billing worker", permissions: ["charge_write", "customer_read"], ip_allowlist: ["203.0.113.0/24"], keyward: { labels: { team: "billing", internal_score: "7" } } }),
    expiring: await key(acme, { name: "Ends soon", expires_at: at(3) }),
    odd: await key(acme, { name: HOSTILE.slice(0, 128), note: HOSTILE }),
    expired: await key(acme, { name: "Ended" }),
    deleted: await key(acme, { name: "Deleted" }),
    replaced: await key(acme, { name: "Rotated" }),
    wide: await key(acme, { name: "Made by the provider", permissions: ["payout_write"], keyward: { override_policy: true, reason: "agreed" } }),
    below: await key(below, { name: "Of a daughter", permissions: undefined, ip_allowlist: ["203.0.113.7"], expires_at: at(20), keyward: { grant_set: `reports-${tag}` } }),
    busy: await key(busy, { name: "The only one" }),
    used: await key(acme, { name: "In use" }),
  };
  await eventually("the key in use works", async () => (await used(keys.used.value, "GET", "/v1/customers")) === 200);
  await api("POST", `/v2/iam/api_keys/${keys.expired.id}/expire`, {});
  await api("DELETE", `/v2/keyward/api_keys/${keys.deleted.id}`);
  await api("POST", `/v2/iam/api_keys/${keys.replaced.id}/rotate`, { expire_current_key_in_minutes: 1440, expires_at: at(60) });
  return { acme, tree, below, empty, bound, busy, keys };
}

/** Name, whose portal, and the address. */
export function states({ acme, tree, empty, bound, busy, keys }) {
  const of = (name, page = "") => `/portal/keys/${keys[name].id}${page}`;
  const ends = ["active", "expiring", "odd", "expired", "deleted", "replaced", "wide"];
  return [
    ["keys", acme, "/portal/keys"],
    ["keys: no match", acme, "/portal/keys?q=nothinghasthisname"],
    ["keys: all", acme, "/portal/keys?state=all"],
    ["create", acme, "/portal/keys/new"],
    ...ends.map((name) => [`key: ${name}`, acme, of(name)]),
    ["key: asked, within the policy", acme, of("active", "?ask=invoice_read")],
    ["key: asked, beyond it", acme, of("active", "?ask=payout_write")],
    ["key: asked, and there", acme, of("active", "?ask=charge_write")],
    ["key: 404", acme, "/portal/keys/mk_nosuchkey"],
    ["requests", acme, of("active", "/requests")],
    ["history", acme, of("replaced", "/history")],
    ["details", acme, of("odd", "/details")],
    ["edit", acme, of("active", "/edit")],
    ["edit: asked", acme, of("active", "/edit?ask=invoice_read")],
    ["edit: beyond the policy", acme, of("wide", "/edit")],
    ["addresses", acme, of("active", "/addresses")],
    ["rotate", acme, of("expiring", "/rotate")],
    ["expire", acme, of("active", "/expire")],
    ["expire: again", acme, of("expired", "/expire")],
    ["delete", acme, of("odd", "/delete")],
    ...["rotate", "expire", "addresses"].map((page) => [`${page}: in use`, acme, of("used", `/${page}`)]),
    ["duplicate", acme, of("active", "/duplicate")],
    ["no such page", acme, "/portal/nothing"],
    ["tree: keys", tree, "/portal/keys"],
    ["tree: create", tree, "/portal/keys/new"],
    ["tree: key", tree, of("below")],
    ["empty: keys", empty, "/portal/keys"],
    ["strict: create", bound, "/portal/keys/new"],
    ["full: keys", busy, "/portal/keys"],
    ["full: create", busy, "/portal/keys/new"],
  ];
}

export async function seen(page, name) {
  await looked(page, `portal: ${name}`, async () => {});
  await plainWords(page, name);
}

/** No word of what only operators know. */
export async function plainWords(page, name) {
  const text = await page.locator("body").innerText();
  for (const word of ["keyward-server", "gateway", "shadow", "policy", "internal_", "acct_operator"]) {
    expect.soft(text, `${name} says ${word}`).not.toContain(word);
  }
}

/** One state of each page: what `make test` has time for. */
export const isOnce = ([name]) => !name.includes(":") || name === "key: active";
