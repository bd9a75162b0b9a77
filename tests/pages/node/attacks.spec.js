// What another site's page, link or text can do here: nothing.
import { createServer } from "node:http";
import { enter, expect, test } from "./fixture.js";
import { HOSTILE } from "./states.js";
import { create, mouse } from "./steps.js";
import { account, api, key, link, url, used } from "./world.js";

/** A page of another origin. */
async function elsewhere(html, use) {
  const server = createServer((_, answer) => { answer.setHeader("content-type", "text/html"); answer.end(html); });
  await new Promise((ready) => { server.listen(0, "127.0.0.1", ready); });
  try {
    await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
  }
}

test("a form of another origin changes nothing", async ({ signedIn: page, watched }) => {
  watched.allowed.push(/status of (401|403)/);
  const { id: owner } = await account();
  const made = await key(owner);
  const html = `<form method=post action="${url}/console/keys/${made.id}/expire"><input name=ends value=now><button>x</button></form><script>document.forms[0].submit()</script>`;
  await elsewhere(html, async (origin) => {
    const other = await page.context().newPage();
    await other.goto(origin);
    await other.waitForURL(`${url}/**`);
    await expect(other.locator("body")).not.toContainText("Billing worker");
    await other.close();
  });
  expect((await api("GET", `/v2/iam/api_keys/${made.id}`)).status).toBe("active");
});

test("no page is shown in a frame of another origin", async ({ signedIn: page }) => {
  await elsewhere(`<iframe src="${url}/console/keys"></iframe>`, async (origin) => {
    const other = await page.context().newPage();
    await other.goto(origin);
    await expect(async () => {
      const frame = other.frames()[1];
      expect(await frame.content()).not.toContain("Create restricted key");
    }).toPass();
    await other.close();
  });
});

test("a link is used once, and opening it uses nothing", async ({ page, context, browser, watched }) => {
  watched.allowed.push(/status of 400/);
  const token = await link("viewer", "once@example.com");
  // A mail scanner follows the link twice.
  for (let times = 0; times < 2; times += 1) {
    await page.goto(`/console/enter#${token}`);
    await expect(page.locator("[data-who]")).toContainText("once@example.com");
    expect(page.url(), "the token leaves the address").not.toContain(token);
    await page.goto("about:blank");
  }
  await page.goto(`/console/enter#${token}`);
  await page.getByRole("button", { name: /sign in|continue/i }).click();
  await page.waitForURL("**/console/keys");
  const [cookie] = await context.cookies();
  expect({ name: cookie.name, secure: cookie.secure, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path })
    .toEqual({ name: "__Host-keyward_console", secure: true, httpOnly: true, sameSite: "Strict", path: "/" });

  const stranger = await browser.newContext({ baseURL: url });
  const second = await stranger.newPage();
  await second.goto("/console/enter");
  await second.getByLabel("Link or code").fill(token);
  await second.getByRole("button", { name: /sign in|continue/i }).click();
  await expect(second.getByRole("alert")).toContainText("already used");
  await stranger.close();
});

test("each sign-in has a cookie of its own, and the one before it is not taken over", async ({ page, context }) => {
  const cookie = async () => (await context.cookies()).filter((one) => one.name === "__Host-keyward_console");
  await enter(page, "viewer", "first@example.com");
  const [before] = await cookie();
  await enter(page, "viewer", "second@example.com");
  const after = await cookie();
  expect(after).toHaveLength(1);
  expect(after[0].value).not.toBe(before.value);
  await expect(page.locator("header")).toContainText("second@example.com");
});

test("signing out ends the session, for a copy of its cookie too", async ({ signedIn: page, browser, context, watched }) => {
  watched.allowed.push(/status of 401/);
  const cookies = await context.cookies();
  const copy = await browser.newContext({ baseURL: url });
  await copy.addCookies(cookies);
  const other = await copy.newPage();
  await other.goto("/console/keys");
  await expect(other.locator("h1")).toHaveText("Keys");
  await page.getByRole("button", { name: "Sign out" }).click();
  await other.goto("/console/keys");
  await expect(other.locator("h1")).not.toHaveText("Keys");
  await copy.close();
});

test("markup in names, notes, labels and accounts is text", async ({ signedIn: page, watched }) => {
  watched.allowed.push(/status of (404|422)/);
  const { id: owner } = await account({ name: HOSTILE.slice(0, 120) });
  const made = await key(owner, { name: HOSTILE.slice(0, 128), note: HOSTILE, keyward: { labels: { x: "<img src=x onerror=alert(1)>" } } });
  let alerts = 0;
  page.on("dialog", (dialog) => { alerts += 1; dialog.dismiss(); });
  const home = `/console/keys/${made.id}`;
  for (const path of ["/console/keys", `/console/keys?q=${encodeURIComponent(HOSTILE.slice(0, 60))}`, home, `${home}/edit`, `${home}/rotate`, `${home}/delete`, `${home}/history`, "/console/accounts", `/console/accounts/${owner}`, `/console/activity?object=${made.id}`]) {
    await page.goto(path);
    expect(await page.locator("main script, main img").count(), path).toBe(0);
    // A mark that reverses text is shown by its number, except in a field that can be edited.
    const shown = await page.evaluate(() => document.body.innerText);
    expect(shown, path).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  }
  expect(alerts).toBe(0);
});

test("a form that is sent twice makes one key", async ({ signedIn: page, watched }) => {
  // The second request gets the answer that the first is still in progress.
  watched.allowed.push(/status of (409|422)/);
  const { id: owner } = await account();
  await page.goto("/console/keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Twice");
  await page.getByLabel("Account", { exact: true }).fill(owner);
  const fields = await page.evaluate(() => new URLSearchParams(new FormData(document.querySelector('form[action="/console/keys/new"][method=post]'))).toString());
  const statuses = await page.evaluate(async (body) => {
    const send = () => fetch("/console/keys/new", { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded" } }).then((answer) => answer.status);
    return Promise.all([send(), send()]);
  }, fields);
  expect(statuses).toContain(200);
  const keys = await api("GET", `/v2/iam/api_keys?owner=${owner}`);
  expect(keys.data).toHaveLength(1);
});

test("of two windows with one version, the later one is told and loses nothing", async ({ signedIn: page, context, watched }) => {
  watched.allowed.push(/status of 409/);
  const { id: owner } = await account();
  const made = await key(owner, { name: "Shared" });
  const other = await context.newPage();
  for (const one of [page, other]) await one.goto(`/console/keys/${made.id}/edit`);
  await mouse.choose(page, "Balance balance", "Read");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(/\/console\/keys\/mk_\w+$/);
  await mouse.choose(other, "Charges and Refunds charge", "Write");
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await expect(other.locator("main")).toContainText("Somebody changed this key meanwhile");
  await expect(other.getByRole("group", { name: "Charges and Refunds charge" }).getByRole("radio", { name: "Write" })).toBeChecked();
  expect((await api("GET", `/v2/iam/api_keys/${made.id}`)).permissions).toEqual(["balance_read", "customer_read"]);
  await other.close();
});

test("what a role does not include is neither shown nor done", async ({ page, watched }) => {
  watched.allowed.push(/status of 403/);
  const { id: owner } = await account();
  const made = await key(owner);
  await enter(page, "viewer", "viewer@example.com");
  await expect(page.getByRole("link", { name: "Create restricted key" })).toHaveCount(0);
  for (const path of ["/console/keys/new", `/console/keys/${made.id}/expire`, "/console/incident", "/console/sessions", "/console/activity", "/console/grant_sets/new"]) {
    const answer = await page.goto(path);
    expect(answer.status(), path).toBe(403);
  }
  expect((await api("GET", `/v2/iam/api_keys/${made.id}`)).status).toBe("active");
  expect(await used(made.value, "GET", "/v1/customers")).not.toBe("expired_key");
});

test("a key opens no page", async ({ page }) => {
  const answer = await page.request.get(`${url}/console/keys`, { headers: { authorization: `Bearer ${process.env.KEYWARD_FIRST_KEY}` } });
  expect([401, 403]).toContain(answer.status());
  expect(await answer.text()).not.toContain("Create restricted key");
});

test("the value's page is not shown again by another form of the same session", async ({ signedIn: page }) => {
  const { id: owner } = await account();
  const value = await create(page, mouse, { name: "Once", account: owner });
  const other = await page.context().newPage();
  await other.goto(`/console/keys?account=${owner}`);
  expect(await other.content()).not.toContain(value);
  await other.close();
});
