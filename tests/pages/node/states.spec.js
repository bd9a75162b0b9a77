// Every page in every state, at one width in one scheme: the projects of playwright.config.js are all of them.
import { expect, inspect, test } from "./fixture.js";
import { states, strangers, world } from "./states.js";

const refusals = [/status of (400|401|403|404|409|422)/];

test("pages by their addresses", async ({ signedIn: page, watched }, info) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of states(await world()).pages) await seen(page, name, go, info);
});

test("pages that answer a form", async ({ signedIn: page, watched }, info) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of states(await world()).after) await seen(page, name, go, info);
});

test("pages of people who are not signed in", async ({ page, watched }, info) => {
  watched.allowed.push(...refusals);
  for (const [name, go] of strangers) await seen(page, name, go, info);
});

async function seen(page, name, go, info) {
  await test.step(name, async () => {
    await go(page);
    await expect(page.locator("h1"), name).toBeVisible();
    if (process.env.KEYWARD_PAGES_SHOTS) {
      const file = `${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${info.project.name}.png`;
      await page.screenshot({ path: `${process.env.KEYWARD_PAGES_OUT}/${file}`, fullPage: true });
    }
    await inspect(page, name);
  });
}
