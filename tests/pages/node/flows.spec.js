// What people come for, by mouse and then by keyboard only. Afterwards the key is used through
// Envoy.
import { expect, test } from "./fixture.js";
import { create, idOf, keyboard, mouse, shown } from "./steps.js";
import { account, eventually, key, nowhere, used } from "./world.js";

const PERMISSIONS = { "Charges and Refunds charge": "Write", "Customers customer": "Read" };

for (const [way, hand] of Object.entries({ mouse, keyboard })) {
  test(`a key is made, used, rotated and ended by ${way}`, async ({ signedIn: page }) => {
    const { id: owner } = await account();
    const value = await create(page, hand, { name: `Worker by ${way}`, account: owner, permissions: PERMISSIONS });
    await eventually("the key works", async () => (await used(value, "GET", "/v1/customers")) === 200);
    expect(await used(value, "POST", "/v1/charges")).toBe(200);
    expect(await used(value, "POST", "/v1/customers")).toBe("insufficient_permission");
    expect(await used(value, "GET", "/v1/balance")).toBe("insufficient_permission");

    await hand.type(page, "Where do you keep it?", "vault: billing");
    await hand.press(page, "Done");
    await page.waitForURL(/\/console\/keys\/mk_\w+$/);
    await expect(page.locator("main")).toContainText("vault: billing");
    const id = idOf(page);

    await hand.open(page, "Rotate");
    await hand.choose(page, "The old key ends", "in 24 hours");
    await hand.press(page, "Rotate");
    const next = await shown(page);
    expect(next).not.toBe(value);
    await eventually("the replacement works", async () => (await used(next, "POST", "/v1/charges")) === 200);
    expect(await used(value, "GET", "/v1/customers"), "the old key goes on for a day").toBe(200);

    await page.goto(`/console/keys/${id}`);
    await hand.open(page, "Expire");
    await hand.choose(page, "It ends", /now/i);
    await hand.press(page, "Set the end");
    await eventually("the old key is denied", async () => (await used(value, "GET", "/v1/customers")) === "expired_key");
    expect(await used(next, "GET", "/v1/customers")).toBe(200);
    for (const one of [value, next]) await nowhere(one);
  });

  test(`permissions are changed by ${way}`, async ({ signedIn: page }) => {
    const { id: owner } = await account();
    const made = await key(owner, { name: "To change", permissions: ["customer_read"] });
    await page.goto(`/console/keys/${made.id}`);
    await hand.open(page, "Edit permissions");
    await hand.choose(page, "Customers customer", "None");
    await hand.choose(page, "Balance balance", "Read");
    await expect(page.locator('[data-matrix="p"] [data-row="Customers"] .change')).toHaveText("− none (was read)");
    await hand.press(page, "Save");
    await page.waitForURL(/\/console\/keys\/mk_\w+$/);
    await eventually("what was taken is denied", async () => (await used(made.value, "GET", "/v1/customers")) === "insufficient_permission");
    await eventually("what was given is allowed", async () => (await used(made.value, "GET", "/v1/balance")) === 200);
  });
}

for (const [way, hand] of Object.entries({ mouse, keyboard })) {
  test(`a leaked value is found without being sent, and ended, by ${way}`, async ({ signedIn: page }) => {
    const { id: owner } = await account();
    const made = await key(owner, { name: "Found on a forge" });
    const sent = [];
    page.on("request", (request) => sent.push(`${request.url()} ${request.postData() ?? ""}`));
    await page.goto("/console/lookup");
    await hand.type(page, "The leaked value", `  ${made.value} `);
    await hand.press(page, "Find the key");
    await expect(page.locator("h2").first()).toHaveText("Found on a forge");
    await expect(page.locator("main")).toContainText("This key works.");
    expect(sent.filter((text) => text.includes(made.value)), "the value stays in the browser").toEqual([]);
    expect(sent.join(" ")).toContain("sha256=");
    await hand.open(page, "End now");
    await hand.choose(page, "It ends", /now/i);
    await hand.press(page, "Set the end");
    await eventually("the key is denied", async () => (await used(made.value, "GET", "/v1/customers")) === "expired_key");
    await nowhere(made.value);
  });

  test(`an incident ends all keys of an account, and no others, by ${way}`, async ({ signedIn: page, watched }) => {
    watched.allowed.push(/status of (409|422)/);
    const [owner, other] = [(await account()).id, (await account()).id];
    const keys = [];
    for (let one = 0; one < 12; one += 1) keys.push(await key(owner, { name: `Worker ${one}` }));
    const spared = await key(other);
    await eventually("the last key works", async () => (await used(spared.value, "GET", "/v1/customers")) === 200);
    await page.goto("/console/incident");
    await hand.type(page, "Account", owner);
    await hand.press(page, "Count the keys");
    await expect(page.locator("h1")).toHaveText("End 12 keys");
    await expect(page.locator("tbody tr")).toHaveCount(10);
    // A number that differs from the plan's ends nothing.
    await hand.type(page, "Type the number of keys", "11");
    await hand.press(page, "End 12 keys");
    await expect(page.getByRole("alert")).toContainText("No key was ended");
    expect(await used(keys[0].value, "GET", "/v1/customers")).toBe(200);
    await expect(page.getByLabel("Account", { exact: true }), "what was asked for is still there").toHaveValue(owner);
    await hand.press(page, "Count the keys");
    await hand.type(page, "Type the number of keys", "12");
    await hand.press(page, "End 12 keys");
    await expect(page.locator("h1")).toHaveText("12 keys ended");
    for (const one of keys) await eventually("each is denied", async () => (await used(one.value, "GET", "/v1/customers")) === "expired_key");
    expect(await used(spared.value, "GET", "/v1/customers")).toBe(200);
  });

  test(`an account is suspended by its id, and goes on, by ${way}`, async ({ signedIn: page }) => {
    const { id } = await account({ name: "Late payer" });
    const made = await key(id);
    await eventually("the key works", async () => (await used(made.value, "GET", "/v1/customers")) === 200);
    await page.goto(`/console/accounts/${id}`);
    await hand.open(page, "Suspend");
    await hand.type(page, "Why", "Unpaid");
    await hand.type(page, "Type the account's id", id);
    await hand.press(page, "Suspend");
    await expect(page.locator("main")).toContainText("Why: Unpaid");
    await eventually("its key is denied", async () => (await used(made.value, "GET", "/v1/customers")) === "suspended_account");
    await hand.press(page, "Resume");
    await eventually("its key works again", async () => (await used(made.value, "GET", "/v1/customers")) === 200);
  });

  test(`a grant set changes the keys that follow it, by ${way}`, async ({ signedIn: page }) => {
    const name = `set-${way}-${Date.now()}`;
    await page.goto("/console/grant_sets/new");
    await hand.type(page, "Name", name);
    await hand.choose(page, "Customers customer", "Read");
    await hand.press(page, "Create grant set");
    await page.waitForURL("**/console/grant_sets");
    const { id: owner } = await account();
    const made = await key(owner, { permissions: undefined, keyward: { grant_set: name } });
    await eventually("the key works", async () => (await used(made.value, "GET", "/v1/customers")) === 200);
    await page.goto(`/console/grant_sets/${name}`);
    await expect(page.locator("main")).toContainText("Saving changes 1 key at once.");
    await hand.choose(page, "Customers customer", "None");
    await hand.choose(page, "Balance balance", "Read");
    await hand.press(page, "Save");
    await page.waitForURL("**/console/grant_sets");
    await eventually("the key follows", async () => (await used(made.value, "GET", "/v1/customers")) === "insufficient_permission");
    expect(await used(made.value, "GET", "/v1/balance")).toBe(200);
  });

  test(`a key is limited to addresses, described, duplicated and deleted by ${way}`, async ({ signedIn: page }) => {
    const { id: owner } = await account();
    const made = await key(owner, { name: `Of many forms by ${way}` });
    await eventually("the key works", async () => (await used(made.value, "GET", "/v1/customers")) === 200);
    const home = `/console/keys/${made.id}`;

    await page.goto(home);
    await hand.open(page, "Limit addresses");
    await hand.type(page, "Addresses", "203.0.113.7");
    await hand.press(page, "Save");
    await page.waitForURL(`**${home}`);
    await eventually("other addresses are denied", async () => (await used(made.value, "GET", "/v1/customers")) === "ip_not_allowed");

    await hand.open(page, "Edit");
    await hand.type(page, "Note", "vault: of many forms");
    await hand.press(page, "Save");
    await page.waitForURL(`**${home}`);
    await expect(page.locator("main")).toContainText("vault: of many forms");

    // A copy has the limits of its original unless the person changes them.
    await hand.open(page, "Duplicate");
    await expect(page.getByLabel("Addresses", { exact: true })).toHaveValue("203.0.113.7");
    await hand.type(page, "Addresses", "127.0.0.1");
    await hand.press(page, "Create key");
    const copy = await shown(page);
    await hand.press(page, "Done");
    await page.waitForURL(/\/console\/keys\/mk_\w+$/);
    await eventually("the copy may what the key may", async () => (await used(copy, "GET", "/v1/customers")) === 200);

    await page.goto(`${home}/delete`);
    await hand.type(page, "Name or id of the key", made.id);
    await hand.press(page, "Delete this key");
    await eventually("the key is denied", async () => (await used(made.value, "GET", "/v1/customers")) === "deleted_key");
    expect(await used(copy, "GET", "/v1/customers"), "the copy goes on").toBe(200);
    await nowhere(copy);
  });
}

test("a plan does not hold when other keys fit it", async ({ signedIn: page, watched }) => {
  watched.allowed.push(/status of 409/);
  const { id: owner } = await account();
  const first = await key(owner);
  await page.goto("/console/incident");
  await page.getByLabel("Account", { exact: true }).fill(owner);
  await page.getByRole("button", { name: "Count the keys" }).click();
  await expect(page.locator("h1")).toHaveText("End 1 key");
  await key(owner);
  await page.getByLabel("Type the number of keys").fill("1");
  await page.getByRole("button", { name: "End 1 key" }).click();
  await expect(page.getByRole("alert")).toContainText("finds other keys than it did");
  expect(await used(first.value, "GET", "/v1/customers")).toBe(200);
});
