// Every page in every state, at each width in each scheme. A page is loaded once: what it looks like at another width is the stylesheet's doing.
import { COLOURS, expect, inspect, test } from "./fixture.js";
import { states, strangers, world } from "./states.js";

const refusals = [/status of (400|401|403|404|409|422)/];
const WIDTHS = [360, 768, 1280];

test("pages by their addresses", async ({ signedIn: page, watched }) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of states(await world()).pages) await seen(page, name, go);
});

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

async function seen(page, name, go) {
  await test.step(name, async () => {
    await go(page);
    await expect(page.locator("h1"), name).toBeVisible();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const look = `${width}-${colorScheme}`;
        if (process.env.KEYWARD_PAGES_SHOTS) {
          const file = `${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${look}.png`;
          await page.screenshot({ path: `${process.env.KEYWARD_PAGES_OUT}/${file}`, fullPage: true });
        }
        await inspect(page, `${name} at ${look}`, colorScheme === "dark" ? COLOURS : undefined);
      }
    }
  });
}
