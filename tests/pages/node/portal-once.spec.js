// Each page of the portal once, on a phone: what `make test` has time for.
import { expect, inspect, test, weigh } from "./fixture.js";
import { enter, isOnce, plainWords, refusals, states, world } from "./portal.js";

test("every page of the portal opens, and holds what is promised of each", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  const made = await world();
  await enter(page, made.acme);
  for (const [name, of, path] of states(made).filter(isOnce)) {
    if (of !== made.acme) continue;
    await test.step(name, async () => {
      await page.goto(path);
      await expect(page.locator("h1"), name).toBeVisible();
      await inspect(page, name);
      await weigh(page, name);
      await plainWords(page, name);
    });
  }
});
