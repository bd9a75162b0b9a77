// Pages while something else is broken: gateways get nothing, or the store cannot be read.
// Playwright runs one of these tests after tests/server/pages.rs has broken it.
import { expect, test } from "./fixture.js";
import { refusals, seen } from "./looks.js";
import { account, eventually, key } from "./world.js";

test("@behind what no gateway has yet is said", async ({ signedIn: page }) => {
  const made = await key((await account()).id, { name: "Not published" });
  const says = (path, text) => async () => {
    await eventually(`${path} says ${text}`, async () => {
      await page.goto(path);
      return text.test(await page.locator("main").innerText());
    });
  };
  await seen(page, "gateways: behind", says("/console/gateways", /not published yet/));
  await seen(page, "key: not published", says(`/console/keys/${made.id}`, /on its way to the gateways/i));
});

test("@no-keys a store without keys says what to do", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  // What the list had when it was seen last is still there.
  await seen(page, "store: last list kept", async () => { await page.goto("/console/keys"); });
  await expect(page.locator("h1")).toHaveText("Keys");
  await expect(page.locator("main")).toContainText("The store does not respond");
  expect(await page.locator("tbody tr").count()).toBeGreaterThan(0);
  await seen(page, "store: keys unreadable", async () => { await page.goto("/console/keys/mk_some"); });
  await expect(page.locator("h1")).toHaveText("The store does not respond");
  await expect(page.getByRole("link", { name: "Go to the keys" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
});

test("@no-store nobody is told to sign in where the store cannot say who they are", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  await seen(page, "store: unreachable", async () => { await page.goto("/console/keys"); });
  await expect(page.locator("h1")).toHaveText("The store does not respond");
  await expect(page.getByRole("link", { name: "Try again" })).toBeVisible();
  await expect(page.locator("body")).not.toContainText("Sign in");
});
