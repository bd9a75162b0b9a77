// A value is shown on one page, once.
import { expect, test } from "./fixture.js";
import { create, mouse, shown } from "./steps.js";
import { account, eventually, nowhere, url } from "./world.js";

test("a value is in the document once, in no storage, and nowhere afterwards", async ({ signedIn: page, context }) => {
  const { id: owner } = await account();
  const value = await create(page, mouse, { name: "Secret", account: owner });
  const html = await page.content();
  expect(html.split(value).length - 1, "times in the document").toBe(1);
  const kept = await page.evaluate(async () => JSON.stringify({
    local: { ...localStorage }, session: { ...sessionStorage }, history: history.state, address: location.href, title: document.title, cookie: document.cookie,
    entries: performance.getEntries().map((entry) => entry.name), databases: await indexedDB.databases(), caches: await caches.keys(),
  }));
  expect(kept).not.toContain(value);
  expect((await context.cookies()).map((one) => one.value).join(" ")).not.toContain(value);

  // Copied, and the page confirms it.
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.locator("#live")).toHaveText("Copied");
  const note = page.getByLabel("Where do you keep it?");
  await note.focus();
  await page.keyboard.press("Control+v");
  await expect(note).toHaveValue(value);
  await note.fill("");

  // Away and back: the browser requests the form again, or shows a page without the value.
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto("/console/keys");
  await page.goBack().catch(() => null);
  // The browser may still be navigating.
  const back = await eventually("Back leads somewhere", () => (page.url().endsWith("/console/keys") ? null : page.content().catch(() => null)));
  expect(back).not.toContain(value);
  await nowhere(value);
});

test("a reload makes no second key and shows no value", async ({ signedIn: page }) => {
  const { id: owner } = await account();
  const value = await create(page, mouse, { name: "Reloaded", account: owner });
  page.on("dialog", (dialog) => dialog.accept());
  await page.reload();
  await expect(page.locator("h1")).toHaveText("This key was made a moment ago");
  expect(await page.content()).not.toContain(value);
  await page.goto(`/console/keys?account=${owner}`);
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await nowhere(value);
});

test("who leaves without Done is asked once", async ({ signedIn: page }) => {
  const { id: owner } = await account();
  await create(page, mouse, { name: "Asked", account: owner });
  // Browsers ask only if a person has interacted with the page.
  await page.locator("[data-value]").click();
  const asked = [];
  page.on("dialog", (dialog) => { asked.push(dialog.type()); dialog.accept(); });
  await page.getByRole("link", { name: "Accounts", exact: true }).click();
  await page.waitForURL("**/console/accounts");
  expect(asked).toEqual(["beforeunload"]);
  await create(page, mouse, { name: "Done", account: owner });
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(/\/console\/keys\/mk_/);
  expect(asked).toEqual(["beforeunload"]);
});

test("a rotated value is as secret as a new one", async ({ signedIn: page }) => {
  const { id: owner } = await account();
  const first = await create(page, mouse, { name: "Rotated", account: owner });
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name: "Rotate", exact: true }).click();
  await page.getByRole("button", { name: "Rotate" }).click();
  const next = await shown(page);
  const html = await page.content();
  expect(html.split(next).length - 1).toBe(1);
  expect(html).not.toContain(first);
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(/\/console\/keys\/mk_/);
  for (const path of ["/console/keys?state=all", "/console/activity", page.url()]) {
    await page.goto(path);
    const shownNow = await page.content();
    expect(shownNow).not.toContain(next);
    expect(shownNow).not.toContain(first);
  }
  for (const one of [first, next]) await nowhere(one);
});
