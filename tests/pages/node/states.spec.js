// Every page in every state, at each width in each scheme. A page is loaded once, because only the
// stylesheet changes how it looks at another width.
import { expect, test } from "./fixture.js";
import { refusals, seen } from "./looks.js";
import { states, strangers, world } from "./states.js";

// Several at the same time, each in its own worker with its own accounts.
const PARTS = 3;
for (let part = 0; part < PARTS; part += 1) {
  test(`pages by their addresses, part ${part + 1} of ${PARTS}`, async ({ signedIn: page, watched }) => {
    watched.allowed.push(...refusals);
    const { pages } = states(await world());
    for (const [name, go] of pages.filter((_, at) => at % PARTS === part)) await seen(page, name, go);
    // For broken.spec.js, which runs when no one can sign in any more. This session has seen the list of keys.
    if (part === 0) await page.context().storageState({ path: process.env.KEYWARD_PAGES_SESSION });
  });
}

test("pages that answer a form", async ({ signedIn: page, watched }) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of states(await world()).after) await seen(page, name, go);
});

test("pages of people who are not signed in", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of strangers) await seen(page, name, go);
});

test("the schemes differ in the values of colours only", async ({ page }) => {
  await page.goto("/console/enter");
  const rules = await page.evaluate(() => {
    const all = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const dark = all.filter((rule) => rule.media?.mediaText.includes("prefers-color-scheme")).flatMap((rule) => [...rule.cssRules]);
    return dark.map((rule) => ({ of: rule.selectorText, names: [...rule.style] }));
  });
  expect(rules).toHaveLength(1);
  expect(rules[0].of).toBe(":root");
  expect(rules[0].names.length).toBeGreaterThan(10);
  expect(rules[0].names.filter((name) => !/^--(page|sunk|line|edge|text|soft|accent|press|on|link|wash|shade|(good|warn|bad)(-bg)?)$/.test(name))).toEqual([]);
});
