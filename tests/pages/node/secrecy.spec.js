// A value is on one page, once. In the console, and in the portal.
import { expect, test } from "./fixture.js";
import { come, make, SITES } from "./sites.js";
import { mouse, shown } from "./steps.js";
import { api, eventually, nowhere, url } from "./world.js";

for (const site of SITES) {
  const keys = `${site.at}/keys`;

  test(`${site.name}: a value is in the document once, in no storage, and nowhere afterwards`, async ({ page, context }) => {
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    const value = await make(page, site, mouse, { name: "Secret", owner });
    const html = await page.content();
    expect(html.split(value).length - 1, "times in the document").toBe(1);
    const kept = await page.evaluate(async () => JSON.stringify({
      local: { ...localStorage }, session: { ...sessionStorage }, history: history.state, address: location.href, title: document.title, cookie: document.cookie,
      entries: performance.getEntries().map((entry) => entry.name), databases: await indexedDB.databases(), caches: await caches.keys(),
    }));
    expect(kept).not.toContain(value);
    expect((await context.cookies()).map((one) => one.value).join(" ")).not.toContain(value);

    // Copied, and said so.
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
    await page.getByRole("button", { name: "Copy" }).click();
    await expect(page.locator("#live")).toHaveText("Copied");
    const note = page.getByLabel("Where do you keep it?");
    await note.focus();
    await page.keyboard.press("Control+v");
    await expect(note).toHaveValue(value);
    await note.fill("");

    // Away and back: the form is asked for again, or a page without the value is shown.
    page.on("dialog", (dialog) => dialog.accept());
    await page.goto(keys);
    await page.goBack().catch(() => null);
    // The browser may still be on its way.
    const back = await eventually("Back leads somewhere", () => (page.url().endsWith(keys) ? null : page.content().catch(() => null)));
    expect(back).not.toContain(value);
    await nowhere(value);
  });

  test(`${site.name}: a reload makes no second key and shows no value`, async ({ page }) => {
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    const value = await make(page, site, mouse, { name: "Reloaded", owner });
    page.on("dialog", (dialog) => dialog.accept());
    await page.reload();
    await expect(page.locator("h1")).toHaveText("This key was made a moment ago");
    expect(await page.content()).not.toContain(value);
    await page.goto(keys);
    expect((await api("GET", `/v2/iam/api_keys?owner=${owner}`)).data).toHaveLength(1);
    await nowhere(value);
  });

  test(`${site.name}: who leaves without Done is asked once`, async ({ page }) => {
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    await make(page, site, mouse, { name: "Asked", owner });
    // Browsers ask only where somebody did something on the page.
    await page.locator("[data-value]").click();
    const asked = [];
    page.on("dialog", (dialog) => { asked.push(dialog.type()); dialog.accept(); });
    await page.getByRole("link", { name: site.name === "console" ? "Accounts" : /^API keys of / }).first().click();
    await page.waitForURL((now) => /\/(accounts|keys)$/.test(now.pathname));
    expect(asked).toEqual(["beforeunload"]);
    await make(page, site, mouse, { name: "Done", owner });
    await page.getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/keys\/mk_/);
    expect(asked).toEqual(["beforeunload"]);
  });

  test(`${site.name}: a rotated value is as secret as a new one`, async ({ page }) => {
    const owner = await site.tenant();
    await come(page, site, undefined, owner);
    const first = await make(page, site, mouse, { name: "Rotated", owner });
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("link", { name: "Rotate", exact: true }).click();
    await page.getByRole("button", { name: "Rotate" }).click();
    const next = await shown(page);
    const html = await page.content();
    expect(html.split(next).length - 1).toBe(1);
    expect(html).not.toContain(first);
    await page.getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/keys\/mk_/);
    for (const path of [`${keys}?state=all`, `${page.url()}/history`, page.url()]) {
      await page.goto(path);
      const shownNow = await page.content();
      expect(shownNow).not.toContain(next);
      expect(shownNow).not.toContain(first);
    }
    for (const one of [first, next]) await nowhere(one);
  });
}
