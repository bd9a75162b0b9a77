// The portal's pages in every state, and what people do there on a phone.
import { join } from "node:path";
import { expect, test } from "./fixture.js";
import { at, enter, portal, refusals, seen, states, tag, world } from "./portal.js";
import { keyboard, mouse, shown } from "./steps.js";
import { account, eventually, key, nowhere, used } from "./world.js";

test("pages by their addresses", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  let who;
  for (const [name, of, path] of states(await world())) {
    await test.step(name, async () => {
      if (who !== of) await enter(page, of);
      who = of;
      await page.goto(path);
      await seen(page, name);
    });
  }
});

test("pages of people who are not signed in", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  const { acme } = await world();
  for (const [name, path] of [["sign in: no link", "/portal/enter"], ["sign in: a link", await portal(acme)], ["signed out", "/portal/keys"]]) {
    await page.goto(path);
    await seen(page, name);
  }
});

for (const [how, hand] of [["mouse", mouse], ["keyboard", keyboard]]) {
  test(`a key is made, rotated and ended by ${how}`, async ({ page }) => {
    const { empty } = await world();
    await enter(page, empty);
    await hand.open(page, "Create key");
    await hand.type(page, "Name", `By ${how}`);
    await hand.choose(page, "Customers customer", "Read");
    await hand.press(page, "Create key");
    const value = await shown(page);
    await seen(page, `value by ${how}`);
    await hand.press(page, "Done");
    await page.waitForURL(/keys\/mk_\w+$/);
    await eventually("the key works", async () => await used(value, "GET", "/v1/customers") === 200);
    expect(await used(value, "POST", "/v1/customers")).toBe("insufficient_permission");
    const home = page.url();
    await hand.open(page, "Rotate");
    await hand.press(page, "Rotate");
    const replacement = await shown(page);
    await hand.press(page, "Done");
    await page.waitForURL((now) => /keys\/mk_\w+$/.test(now.pathname) && now.href !== home);
    await page.goto(home);
    await hand.open(page, "End it now");
    await hand.press(page, "Set the end");
    await eventually("the old one is denied", async () => await used(value, "GET", "/v1/customers") === "expired_key");
    await eventually("the new one works", async () => await used(replacement, "GET", "/v1/customers") === 200);
    for (const one of [value, replacement]) await nowhere(one);
  });
}

test("a picture of the portal on a phone", async ({ page }) => {
  await world();
  const { id } = await account({ name: "Acme GmbH", policy: `customers-${tag}` });
  await key(id, { name: "Nightly export", permissions: ["charge_read", "invoice_read", "balance_read"], expires_at: at(9) });
  await key(id, { name: "Billing worker", permissions: ["charge_write", "customer_read"], expires_at: at(90) });
  await enter(page, id);
  const path = process.env.KEYWARD_BLESS ? join(__dirname, "../../../docs/images/portal.png") : `${process.env.KEYWARD_PAGES_OUT}/portal.png`;
  await page.screenshot({ path });
});
