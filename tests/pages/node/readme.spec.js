// The picture in README.md. `KEYWARD_BLESS=1` takes it again. Otherwise the test only checks that
// it can be taken.
import { join } from "node:path";
import { expect, test } from "./fixture.js";
import { mouse } from "./steps.js";
import { account } from "./world.js";

test("a picture of a key being made", async ({ signedIn: page }) => {
  const { id: owner } = await account({ id: "acct_widgets" });
  await page.setViewportSize({ width: 1280, height: 960 });
  await page.goto("/console/keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Billing worker");
  await page.getByLabel("Account", { exact: true }).fill(owner);
  await mouse.choose(page, "Charges and Refunds charge", "Write");
  await mouse.choose(page, "Customers customer", "Read");
  await mouse.choose(page, "Balance balance", "Read");
  await expect(page.locator('[data-says="p"]')).toContainText("Charges and Refunds");
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  const path = process.env.KEYWARD_BLESS ? join(__dirname, "../../../docs/images/console.png") : `${process.env.KEYWARD_PAGES_OUT}/console.png`;
  await page.screenshot({ path });
});
