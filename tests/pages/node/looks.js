// One state of a page, at each width in each scheme. It is loaded once: what it looks like at another width is the stylesheet's doing.
import { COLOURS, expect, inspect, look as looks, test, weigh } from "./fixture.js";

/** What a browser says in its console of a page that is an error. */
export const refusals = [/status of (400|401|403|404|409|422|503)/];

const WIDTHS = [360, 768, 1280];
// Where the layout is about to change, and everything has least room.
const BETWEEN = [640, 960, 1120];
// Screenshots for review, in target/pages/shots: KEYWARD_PAGES_SHOTS=360-dark,1280-light
const SHOTS = (process.env.KEYWARD_PAGES_SHOTS ?? "").split(",");

export async function seen(page, name, go) {
  await test.step(name, async () => {
    await go(page);
    await expect(page.locator("h1").first(), name).toBeVisible();
    await weigh(page, name);
    const size = page.viewportSize();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const look = `${width}-${colorScheme}`;
        if (SHOTS.includes(look)) {
          const file = `${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${look}.png`;
          await page.screenshot({ path: `${process.env.KEYWARD_PAGES_OUT}/shots/${file}`, fullPage: true, mask: [page.locator("[data-value]")] });
        }
        // The schemes differ in the values of colours only, which states.spec.js checks: so in the dark the colours are looked at.
        // Every row of the matrix is looked at once on a phone: with the whole catalogue that takes a minute.
        await inspect(page, `${name} at ${look}`, colorScheme === "dark" ? COLOURS : undefined, name === "create" && width === 360);
      }
    }
    for (const width of BETWEEN) {
      await page.setViewportSize({ width, height: 800 });
      await looks(page, `${name} at ${width}`);
    }
    await page.setViewportSize(size);
  });
}
