// What somebody else's page, link or text can do here: nothing. In the console, and in the portal.
import { createServer } from "node:http";
import { enter, expect, test } from "./fixture.js";
import { come, done, make, SITES } from "./sites.js";
import { HOSTILE } from "./states.js";
import { mouse } from "./steps.js";
import { account, api, key, url, used } from "./world.js";

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

for (const site of SITES) {
  const keys = `${site.at}/keys`;
  /** Somebody who is signed in for an account with one key. */
  const begin = async (page, members) => {
    const owner = await site.tenant();
    const made = await key(owner, members);
    await come(page, site, undefined, owner);
    return { owner, made };
  };

  test(`${site.name}: a form of another origin changes nothing`, async ({ page, watched }) => {
    watched.allowed.push(/status of (401|403)/);
    const { made } = await begin(page);
    const html = `<form method=post action="${url}${keys}/${made.id}/expire"><input name=ends value=now><button>x</button></form><script>document.forms[0].submit()</script>`;
    await elsewhere(html, async (origin) => {
      const other = await page.context().newPage();
      await other.goto(origin);
      await other.waitForURL(`${url}/**`);
      await expect(other.locator("body")).not.toContainText("Billing worker");
      await other.close();
    });
    expect((await api("GET", `/v2/iam/api_keys/${made.id}`)).status).toBe("active");
  });

  test(`${site.name}: no page is shown in a frame of another origin`, async ({ page }) => {
    await begin(page);
    await elsewhere(`<iframe src="${url}${keys}"></iframe>`, async (origin) => {
      const other = await page.context().newPage();
      await other.goto(origin);
      await expect(async () => {
        const frame = other.frames()[1];
        expect(await frame.content()).not.toContain(site.create);
      }).toPass();
      await other.close();
    });
  });

  test(`${site.name}: a page of another origin has no hold of the window that it opened`, async ({ page }) => {
    await begin(page);
    await elsewhere(`<a href="${url}${keys}" target="there">x</a><script>opened = null; addEventListener("click", () => { opened = open("${url}${keys}"); })</script><button>go</button>`, async (origin) => {
      const other = await page.context().newPage();
      await other.goto(origin);
      const coming = other.waitForEvent("popup");
      await other.getByRole("button", { name: "go" }).click();
      const there = await coming;
      await there.waitForLoadState();
      expect(await there.evaluate(() => window.opener)).toBe(null);
      await there.close();
      await other.close();
    });
  });

  test(`${site.name}: a link is used once, opening it uses nothing, and its token is in no address`, async ({ page, context, browser, watched }) => {
    watched.allowed.push(/status of 400/);
    const asked = [];
    page.on("request", (request) => asked.push([request.url(), request.headers().referer ?? ""]));
    const address = await site.link("once@example.com");
    const token = address.slice(address.indexOf("#") + 1);
    // A scanner of mail follows it, twice.
    for (let times = 0; times < 2; times += 1) {
      await page.goto(address);
      await expect(page.locator("[data-who]")).toContainText("once@example.com");
      expect(page.url(), "the token leaves the address").not.toContain(token);
      await page.goto("about:blank");
    }
    await page.goto(address);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`**${keys}`);
    const [cookie] = await context.cookies();
    expect({ name: cookie.name, secure: cookie.secure, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path })
      .toEqual({ ...site.cookie, secure: true, httpOnly: true, path: "/" });
    expect(asked.length).toBeGreaterThan(5);
    // Playwright shows the fragment of a page's address, which no browser sends.
    for (const [to, from] of asked) {
      expect(to.replace(/#.*/, "")).not.toContain(token);
      expect(from, "a referrer is sent").toBe("");
    }
    const entries = await page.evaluate(() => performance.getEntries().map((entry) => entry.name).join(" "));
    expect(entries).not.toContain(token);

    const stranger = await browser.newContext({ baseURL: url });
    const second = await stranger.newPage();
    await second.goto(`${site.at}/enter`);
    await second.getByLabel("Link or code").fill(token);
    await second.getByRole("button", { name: "Sign in" }).click();
    await expect(second.getByRole("alert")).toContainText("already used");
    await stranger.close();
  });

  test(`${site.name}: each sign-in has a cookie of its own, and the one before it is not taken over`, async ({ page, context }) => {
    const cookie = async () => (await context.cookies()).filter((one) => one.name === site.cookie.name);
    await come(page, site, "first@example.com");
    const [before] = await cookie();
    await come(page, site, "second@example.com");
    const after = await cookie();
    expect(after).toHaveLength(1);
    expect(after[0].value).not.toBe(before.value);
    await expect(page.locator("header")).toContainText("second@example.com");
  });

  test(`${site.name}: signing out ends the session, for a copy of its cookie and for Back too`, async ({ page, browser, context, watched }) => {
    watched.allowed.push(/status of 401/);
    const { made } = await begin(page, { name: "Not after signing out" });
    const cookies = await context.cookies();
    const copy = await browser.newContext({ baseURL: url });
    await copy.addCookies(cookies);
    const other = await copy.newPage();
    const answer = await other.goto(`${keys}/${made.id}`);
    expect(answer.status()).toBe(200);
    await page.goto(`${keys}/${made.id}`);
    await expect(page.locator("h1")).toHaveText("Not after signing out");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.locator("h1")).toHaveText("Signed out");
    expect((await other.goto(`${keys}/${made.id}`)).status()).toBe(401);
    await page.goBack();
    await expect(page.locator("h1")).toHaveText("Sign in");
    await expect(page.locator("body")).not.toContainText("Not after signing out");
    await copy.close();
  });

  test(`${site.name}: markup in names, notes, labels and accounts is text`, async ({ page, watched }) => {
    watched.allowed.push(/status of (404|422)/);
    const owner = await site.tenant({ name: HOSTILE.slice(0, 120) });
    const made = await key(owner, { name: HOSTILE.slice(0, 128), note: HOSTILE, keyward: { labels: { x: "<img src=x onerror=alert(1)>" } } });
    let alerts = 0;
    page.on("dialog", (dialog) => { alerts += 1; dialog.dismiss(); });
    await come(page, site, undefined, owner);
    const home = `${keys}/${made.id}`;
    const paths = [keys, `${keys}?q=${encodeURIComponent(HOSTILE.slice(0, 60))}`, home, `${home}?ask=%3Cscript%3E`, `${home}/edit`, `${home}/details`, `${home}/rotate`, `${home}/delete`, `${home}/history`];
    if (site.name === "console") paths.push("/console/accounts", `/console/accounts/${owner}`, `/console/activity?object=${made.id}`);
    for (const path of paths) {
      await page.goto(path);
      expect(await page.locator("main script, main img").count(), path).toBe(0);
      // A mark that turns text around is shown by its number, but in a field that is to be edited.
      const seen = await page.evaluate(() => document.body.innerText);
      expect(seen, path).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    }
    expect(alerts).toBe(0);
  });

  test(`${site.name}: a form that is sent twice makes one key`, async ({ page, watched }) => {
    // The second of them is told that the first is under way.
    watched.allowed.push(/status of (409|422)/);
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    await page.goto(`${keys}/new`);
    await page.getByLabel("Name", { exact: true }).fill("Twice");
    if (site.name === "console") await page.getByLabel("Account", { exact: true }).fill(owner);
    const fields = await page.evaluate((action) => new URLSearchParams(new FormData(document.querySelector(`form[action="${action}"][method=post]`))).toString(), `${keys}/new`);
    const statuses = await page.evaluate(async ([body, action]) => {
      const send = () => fetch(action, { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded" } }).then((answer) => answer.status);
      return Promise.all([send(), send()]);
    }, [fields, `${keys}/new`]);
    expect(statuses).toContain(200);
    const made = await api("GET", `/v2/iam/api_keys?owner=${owner}`);
    expect(made.data).toHaveLength(1);
  });

  test(`${site.name}: of two windows with one version, the later one is told and loses nothing`, async ({ page, context, watched }) => {
    watched.allowed.push(/status of 409/);
    const { made } = await begin(page, { name: "Shared" });
    const other = await context.newPage();
    for (const one of [page, other]) await one.goto(`${keys}/${made.id}/edit`);
    await mouse.choose(page, "Balance balance", "Read");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForURL(/\/keys\/mk_\w+$/);
    await mouse.choose(other, "Charges and Refunds charge", "Write");
    await other.getByRole("button", { name: "Save", exact: true }).click();
    await expect(other.locator("main")).toContainText("Someone changed this key in the meantime");
    await expect(other.getByRole("group", { name: "Charges and Refunds charge" }).getByRole("radio", { name: "Write" })).toBeChecked();
    expect((await api("GET", `/v2/iam/api_keys/${made.id}`)).permissions).toEqual(["balance_read", "customer_read"]);
    await other.close();
  });

  test(`${site.name}: a key opens no page`, async ({ page }) => {
    const answer = await page.request.get(`${url}${keys}`, { headers: { authorization: `Bearer ${process.env.KEYWARD_FIRST_KEY}` } });
    expect([401, 403]).toContain(answer.status());
    expect(await answer.text()).not.toContain(site.create);
  });

  test(`${site.name}: the value's page is not shown again by another form of the same session`, async ({ page }) => {
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    const value = await make(page, site, mouse, { name: "Once", owner });
    const other = await page.context().newPage();
    await other.goto(keys);
    await expect(other.locator("main")).toContainText("Once");
    expect(await other.content()).not.toContain(value);
    await other.close();
    await done(page, site);
    expect(await page.content()).not.toContain(value);
  });
}

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
