// With scripts disabled: signing in with a pasted code, and everything except the four features
// that the pages mention.
import { expect, test } from "./fixture.js";
import { done, SITES } from "./sites.js";
import { digest } from "./states.js";
import { mouse, shown } from "./steps.js";
import { account, eventually, link, nowhere, used } from "./world.js";

test.use({ javaScriptEnabled: false });

test("a key is made, rotated, looked up and deleted", async ({ page }) => {
  await page.goto("/console/enter");
  await page.getByLabel("Link or code").fill(await link("operator", "plain@example.com"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator("h1")).toHaveText("Keys");

  const { id: owner } = await account();
  await page.getByRole("link", { name: "Create restricted key" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Plain");
  await page.getByLabel("Account", { exact: true }).fill(owner);
  // A whole category, and one row from another.
  await page.getByRole("group", { name: "All of Core" }).first().getByRole("radio", { name: "Read" }).check();
  await page.getByRole("button", { name: "Create key" }).click();
  const value = await shown(page);
  await expect(page.getByRole("button", { name: "Copy" })).toBeHidden();
  await eventually("the key works", async () => (await used(value, "GET", "/v1/customers")) === 200);
  expect(await used(value, "POST", "/v1/customers")).toBe("insufficient_permission");
  expect(await used(value, "GET", "/v1/invoices")).toBe("insufficient_permission");
  await page.getByRole("button", { name: "Done" }).click();

  await page.getByRole("link", { name: "Rotate", exact: true }).click();
  await page.getByRole("button", { name: "Rotate" }).click();
  const next = await shown(page);
  await page.getByRole("button", { name: "Done" }).click();

  await page.goto("/console/lookup");
  await expect(page.getByLabel("The leaked value")).toBeHidden();
  await page.getByLabel("SHA-256 of the value").fill(digest(next));
  await page.getByRole("button", { name: "Find the key" }).click();
  await expect(page.locator("main")).toContainText("This key works.");
  await page.getByRole("link", { name: "Open the key" }).click();
  await page.getByRole("link", { name: "Delete", exact: true }).click();
  await page.getByLabel("Name or id of the key").fill("Plain");
  await page.getByRole("button", { name: "Delete this key" }).click();
  await eventually("the key is denied", async () => (await used(next, "GET", "/v1/customers")) === "deleted_key");
  for (const one of [value, next]) await nowhere(one);
});

test("a value that is pasted in the place of its digest is refused, and kept nowhere", async ({ page, watched }) => {
  watched.allowed.push(/status of 400/);
  await page.goto("/console/enter");
  await page.getByLabel("Link or code").fill(await link("operator", "plain@example.com"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.goto("/console/lookup");
  const value = `sk_live_FAKE${"q".repeat(95)}`;
  await page.getByLabel("SHA-256 of the value").fill(value);
  await page.getByRole("button", { name: "Find the key" }).click();
  await expect(page.locator("h1")).toBeVisible();
  expect(await page.content()).not.toContain(value);
  await nowhere(value);
});

test("portal: a key is made, limited, changed, rotated, ended and deleted", async ({ page, watched }) => {
  watched.allowed.push(/status of 422/);
  const [, site] = SITES;
  const owner = await site.tenant();
  const address = await site.link("ada@acme.example", owner);
  await page.goto("/portal/enter");
  await page.getByLabel("Link or code").fill(address.slice(address.indexOf("#") + 1));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Create key" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Plain");
  await mouse.choose(page, "Customers customer", "Read");
  await page.getByRole("button", { name: "Create key" }).click();
  const value = await shown(page);
  await expect(page.getByRole("button", { name: "Copy" })).toBeHidden();
  await eventually("the key works", async () => (await used(value, "GET", "/v1/customers")) === 200);
  expect(await used(value, "GET", "/v1/invoices")).toBe("insufficient_permission");
  const id = await done(page, site);

  // A wrong line is named, and what was entered is still there.
  await page.getByRole("link", { name: "Limit addresses" }).click();
  await page.getByLabel("Addresses", { exact: true }).fill("203.0.113.7\nnowhere");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.locator("#ips-error")).toContainText("Line 2: “nowhere” is no address");
  await page.getByLabel("Addresses", { exact: true }).fill("203.0.113.7");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(/keys\/mk_\w+$/);
  await eventually("the limit holds", async () => (await used(value, "GET", "/v1/customers")) === "ip_not_allowed");
  await page.getByRole("link", { name: "Limit addresses" }).click();
  await page.getByLabel("Addresses", { exact: true }).fill("");
  await page.getByRole("button", { name: "Save", exact: true }).click();

  await page.getByRole("link", { name: "Edit permissions" }).click();
  await mouse.choose(page, "Invoices invoice", "Read");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(/keys\/mk_\w+$/);
  await eventually("what was given is allowed", async () => (await used(value, "GET", "/v1/invoices")) === 200);

  await page.getByRole("link", { name: "Rotate", exact: true }).click();
  await page.getByRole("button", { name: "Rotate" }).click();
  const next = await shown(page);
  await done(page, site);
  await page.goto(`/portal/keys/${id}/expire`);
  await page.getByRole("radio", { name: /now/i }).check();
  await page.getByRole("button", { name: "Set the end" }).click();
  await eventually("the old one is denied", async () => (await used(value, "GET", "/v1/customers")) === "expired_key");
  expect(await used(next, "GET", "/v1/customers")).toBe(200);

  await page.goto("/portal/keys");
  await page.getByLabel("Name, id or last four").fill("Plain");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "Plain", exact: true }).first().click();
  await page.getByRole("link", { name: "Delete", exact: true }).click();
  await page.getByLabel("Name or id of the key").fill("Plain");
  await page.getByRole("button", { name: "Delete this key" }).click();
  await eventually("the key is denied", async () => (await used(next, "GET", "/v1/customers")) === "deleted_key");
  for (const one of [value, next]) await nowhere(one);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.locator("h1")).toHaveText("Signed out");
});

for (const width of [360, 1280]) {
  test(`pages hold what is promised of them without a script, at ${width}`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.goto("/console/enter");
    await page.getByLabel("Link or code").fill(await link("admin", "plain@example.com"));
    await page.getByRole("button", { name: "Sign in" }).click();
    for (const path of ["/console/keys", "/console/keys/new", "/console/lookup", "/console/incident", "/console/grant_sets/new", "/console/sessions"]) {
      await page.goto(path);
      await expect(page.locator("h1")).toBeVisible();
    }
  });
}
