// Each page once: what `make test` has time for.
import { expect, inspect, test, weigh } from "./fixture.js";
import { isOnce, states, world } from "./states.js";

test("every page opens, and holds what is promised of each", async ({ signedIn: page, watched }) => {
  watched.allowed.push(/status of 404/);
  const { pages } = states(await world());
  for (const [name, go] of pages.filter(isOnce)) {
    await test.step(name, async () => {
      await go(page);
      await expect(page.locator("h1"), name).toBeVisible();
      await inspect(page, name);
      await weigh(page, name);
    });
  }
});
