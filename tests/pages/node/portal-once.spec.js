// Each page of the portal once, on a phone: what `make test-all` has time for.
import { test } from "./fixture.js";
import { enter, isOnce, refusals, seen, states, world } from "./portal.js";

test("every page of the portal opens, and holds what is promised of each", async ({ page, watched }) => {
  watched.allowed.push(...refusals);
  const made = await world();
  await enter(page, made.acme);
  for (const [name, of, path] of states(made).filter(isOnce)) {
    if (of !== made.acme) continue;
    await test.step(name, async () => {
      await page.goto(path);
      await seen(page, name);
    });
  }
});
