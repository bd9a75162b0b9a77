// Every state that a page can be in: what has to be there, and how one comes to it.
import { account, api, call, eventually, key, link } from "./world.js";
import { expect } from "@playwright/test";
import { createHash } from "node:crypto";

const DAY = 86_400_000;
const at = (days) => new Date(Date.now() + days * DAY).toISOString();
export const digest = (value) => createHash("sha256").update(value).digest("hex");

/** Names that break pages which trust them. */
export const HOSTILE = "<script>alert(1)</script>\"'&amp; \u202Eevil\u2066 Averyveryveryveryveryveryveryveryveryverylongwordwithoutanyplacetobreak";

/** Keys in every state, and what belongs to them. Made once for a run. */
// A worker that restarts after a failure finds the accounts of the previous one.
const tag = `p${process.pid}`;
let made;
export const world = () => (made ??= make());

async function make() {
  const org = await api("POST", "/v2/keyward/accounts", { id: `org_${tag}`, name: "Widgets Group", is_organization: true, policy: "operator" });
  const home = (await account({ parent: org.id })).id;
  const odd = (await account({ name: HOSTILE.slice(0, 120), parent: org.id, external_id: `customer-${tag}` })).id;
  const stopped = (await account({ name: "Stopped" })).id;
  const empty = (await account({ name: "Empty" })).id;
  await api("POST", "/v2/keyward/grant_sets", { name: `support-${tag}`, permissions: ["charge_read", "customer_write", "invoice_read"] });
  await api("POST", "/v2/keyward/grant_sets", { name: `unused-${tag}`, permissions: [] });
  const keys = {
    active: await key(home, { name: "Billing worker", permissions: ["charge_write", "customer_read", "invoice_read", "refund_read"].slice(0, 3), note: "vault: prod/billing", ip_allowlist: ["203.0.113.0/24", "198.51.100.7"], keyward: { labels: { team: "billing" } } }),
    shadow: await key(home, { name: "In shadow", keyward: { enforcement: "shadow" } }),
    inactive: await key(home, { name: "Begins later", keyward: { not_before: at(3) } }),
    expiring: await key(home, { name: "Ends soon", expires_at: at(3) }),
    nothing: await key(home, { name: "May nothing", permissions: [] }),
    set: await key(home, { name: "Follows a set", permissions: undefined, keyward: { grant_set: `support-${tag}` } }),
    live: await key(home, { name: "Live", keyward: { livemode: true } }),
    odd: await key(odd, { name: HOSTILE.slice(0, 128), note: HOSTILE, keyward: { labels: { "a.b": "\u200B<i>" } } }),
    suspended: await key(stopped, { name: "Of a suspended account" }),
    expired: await key(home, { name: "Ended" }),
    deleted: await key(home, { name: "Deleted" }),
    replaced: await key(home, { name: "Rotated" }),
  };
  await api("POST", `/v2/iam/api_keys/${keys.expired.id}/expire`, {});
  await api("DELETE", `/v2/keyward/api_keys/${keys.deleted.id}`);
  const successor = await api("POST", `/v2/iam/api_keys/${keys.replaced.id}/rotate`, { expire_current_key_in_minutes: 1440 });
  keys.successor = { id: successor.id, value: successor.secret_key.token };
  await api("POST", `/v2/keyward/accounts/${stopped}/suspend`, { reason: "Unpaid since October" });
  return { org: org.id, home, odd, stopped, empty, keys };
}

const open = (path) => async (page) => { await page.goto(path); };

/** Opens a page and sends its form. */
const sent = (path, fields, button, says) => async (page) => {
  await page.goto(path);
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole("button", { name: button }).click();
  if (says) await expect(page.locator("main")).toContainText(says);
};

/** Name, and how to come there. Pages by address come first: `make test` opens those. */
export function states({ org, home, odd, stopped, empty, keys }) {
  const of = (name, page = "") => `/console/keys/${keys[name].id}${page}`;
  const ends = ["active", "shadow", "inactive", "expiring", "nothing", "set", "live", "odd", "suspended", "expired", "deleted", "replaced", "successor"];
  const pages = [
    ["keys", open("/console/keys")],
    ["keys: no match", open("/console/keys?q=nothinghasthisname")],
    ["keys: filtered", open(`/console/keys?account=${home}&mode=test`)],
    ["keys: ended too", open("/console/keys?state=all")],
    ["create", open("/console/keys/new")],
    ["create: from a set", open(`/console/keys/new?from=set:support-${tag}`)],
    ...ends.map((name) => [`key: ${name}`, open(of(name))]),
    ["key: 404", open("/console/keys/mk_nosuchkey")],
    ["requests", open(of("active", "/requests"))],
    ["history", open(of("replaced", "/history"))],
    ["details", open(of("active", "/details"))],
    ["details: odd", open(of("odd", "/details"))],
    ["edit", open(of("active", "/edit"))],
    ["edit: odd", open(of("odd", "/edit"))],
    ["addresses", open(of("active", "/addresses"))],
    ["rotate", open(of("active", "/rotate"))],
    ["rotate: expiring", open(of("expiring", "/rotate"))],
    ["expire", open(of("active", "/expire"))],
    ["delete", open(of("odd", "/delete"))],
    ["duplicate", open(of("active", "/duplicate"))],
    ["accounts", open("/console/accounts")],
    ["accounts: no match", open("/console/accounts?q=nothinghasthisname")],
    ["accounts: suspended", open("/console/accounts?status=suspended")],
    ["account: with accounts below", open(`/console/accounts/${org}`)],
    ["account: odd", open(`/console/accounts/${odd}`)],
    ["account: suspended", open(`/console/accounts/${stopped}`)],
    ["account: empty", open(`/console/accounts/${empty}`)],
    ["account: 404", open("/console/accounts/acct_nosuchaccount")],
    ["account: new", open("/console/accounts/new")],
    ["account: edit", open(`/console/accounts/${home}/edit`)],
    ["account: suspend", open(`/console/accounts/${home}/suspend`)],
    ["grant sets", open("/console/grant_sets")],
    ["grant set: used", open(`/console/grant_sets/support-${tag}`)],
    ["grant set: unused", open(`/console/grant_sets/unused-${tag}`)],
    ["grant set: new", open("/console/grant_sets/new")],
    ["grant set: delete used", open(`/console/grant_sets/support-${tag}/delete`)],
    ["grant set: delete", open(`/console/grant_sets/unused-${tag}/delete`)],
    ["policies", open("/console/policies")],
    ["policy", open("/console/policies/default")],
    ["policy: new", open("/console/policies/new")],
    ["policy: delete used", open("/console/policies/operator/delete")],
    ["leaked key", open("/console/lookup")],
    ["incident", open("/console/incident")],
    ["activity", open("/console/activity")],
    ["activity: of a key", open(`/console/activity?object=${keys.replaced.id}`)],
    ["activity: nothing matches", open("/console/activity?object=mk_nosuchkey")],
    ["gateways", open("/console/gateways")],
    ["sessions", open("/console/sessions")],
    ["no such page", open("/console/nothing")],
  ];
  const after = [
    ["value: made", sent("/console/keys/new", { Name: "Shown once", Account: home }, "Create key", "Shown once")],
    ["value: rotated", sent(of("nothing", "/rotate"), {}, "Rotate", "Done")],
    ["edit: somebody was quicker", async (page) => {
      await page.goto(of("inactive", "/edit"));
      await api("POST", `/v2/iam/api_keys/${keys.inactive.id}`, { permissions: ["balance_read"] });
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(page.locator("main")).toContainText("Someone changed this key in the meantime");
    }],
    ["addresses: no address", async (page) => {
      await page.goto(of("shadow", "/addresses"));
      await page.getByLabel("Addresses", { exact: true }).fill("203.0.113.0/24\nnowhere");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(page.locator("main")).toContainText("Line 2: “nowhere” is no address");
    }],
    ["edit: checked", sent(of("active", "/edit"), {}, "Check against the last 7 days", "have no request of this key")],
    ["edit: some would be refused", async (page) => {
      const { value, id } = await key(home, { name: "Used", permissions: ["customer_read", "balance_read"] });
      await eventually("its requests are in the log", async () => {
        await call(value, "GET", "/v1/customers");
        return (await call(value, "GET", "/v1/balance")).status === 200 && (await api("GET", `/v2/keyward/api_keys/${id}/requests`)).keyward.matching > 1;
      });
      await page.goto(`/console/keys/${id}/edit`);
      await page.getByRole("group", { name: "Balance balance" }).getByRole("radio", { name: "None" }).check();
      await page.getByRole("button", { name: "Check against the last 7 days" }).click();
      await expect(page.locator("[data-preview]")).toContainText("would be refused");
    }],
    ["labels: wrong lines", sent(of("active", "/details"), { Labels: "team\nteam: a\nteam: b" }, "Save", "Line 3: the label `team` is there twice.")],
    ["addresses: many wrong lines", sent(of("active", "/addresses"), { Addresses: "10.0.0.1/8\n203.0.113.7\n0.0.0.0/0\n2001:db8::1" }, "Save", "Line 4: 2001:db8::1 is IPv6.")],
    ["delete: another name", sent(of("shadow", "/delete"), { "Name or id of the key": "Something else" }, "Delete this key", "Nothing was changed")],
    ["leaked: active", sent("/console/lookup", { "The leaked value": keys.active.value }, "Find the key", "This key works.")],
    ["leaked: ended", sent("/console/lookup", { "The leaked value": keys.expired.value }, "Find the key", "This key has ended.")],
    ["leaked: not found", sent("/console/lookup", { "The leaked value": `rk_test_FAKE${"x".repeat(95)}` }, "Find the key", "this server has no such key")],
    ["leaked: strange prefix", sent("/console/lookup", { "The leaked value": "ghp_FAKE0001" }, "Find the key", "not begin with a prefix of this server")],
    ["leaked: cut short", sent("/console/lookup", { "The leaked value": "rk_test_FAKEcut" }, "Find the key", "it was cut")],
    ["leaked: nothing pasted", sent("/console/lookup", {}, "Find the key", "Paste the leaked value")],
    ["incident: no condition", sent("/console/incident", {}, "Count the keys", "No key was ended")],
    ["incident: a plan", sent("/console/incident", { Account: home }, "Count the keys", "Type the number of keys")],
    ["incident: none found", sent("/console/incident", { Account: empty }, "Count the keys", "No key fits")],
    ["account: wrong parent", sent("/console/accounts/new", { Name: "Below nothing", "Belongs to": "acct_nosuchaccount" }, "Create account", "acct_nosuchaccount")],
    ["account: wrong id typed", sent(`/console/accounts/${home}/suspend`, { "Type the account's id": "acct_wrong" }, "Suspend", "not the id of the account")],
    ["grant set: checked", sent(`/console/grant_sets/support-${tag}`, {}, "Check against the last 7 days", "have no request of a key of this set")],
    ["grant set: wrong name", sent("/console/grant_sets/new", { Name: "a name with blanks" }, "Create grant set", "name")],
    ["sessions: a link", sent("/console/sessions", { "For whom": "new@example.com" }, "Make a link", "Copy it now")],
  ];
  return { pages, after };
}

/** One state of each page: what `make test` has time for. Names with a colon are further states of a page, but for these. */
const ONCE = ["key: active", "account: with accounts below", "account: new", "account: suspend", "grant set: used", "grant set: delete"];
export const isOnce = ([name]) => !name.includes(":") || ONCE.includes(name);

/** Pages of people who are not signed in. */
export const strangers = [
  ["sign in: no link", async (page) => { await page.goto("/console/enter"); }],
  ["sign in: a link", async (page) => { await page.goto(`/console/enter#${await link("viewer", "somebody@example.com")}`); }],
  ["sign in: no such link", sent("/console/enter", { "Link or code": `lt_${"x".repeat(43)}` }, /sign in/i)],
  ["signed out", async (page) => { await page.goto("/console/keys"); }],
];
