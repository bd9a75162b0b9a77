// What a person does on the pages, by mouse or by keyboard only.
import { expect } from "./fixture.js";

/** Clicks and types with the mouse and the keyboard. */
export const mouse = {
  open: (page, name) => page.getByRole("link", { name, exact: true }).first().click(),
  press: (page, name) => page.getByRole("button", { name, exact: true }).first().click(),
  type: (page, label, text) => page.getByLabel(label, { exact: true }).first().fill(text),
  choose: (page, group, level) => page.getByRole("group", { name: group }).getByRole("radio", { name: level, exact: true }).check(),
};

/** Tab, arrows, Enter and Space: the pointer never moves. */
export const keyboard = {
  open: async (page, name) => {
    await reach(page, page.getByRole("link", { name, exact: true }).first());
    await page.keyboard.press("Enter");
  },
  press: async (page, name) => {
    await reach(page, page.getByRole("button", { name, exact: true }).first());
    await page.keyboard.press("Enter");
  },
  type: async (page, label, text) => {
    await reach(page, page.getByLabel(label, { exact: true }).first());
    await page.keyboard.press("Control+a");
    await page.keyboard.type(text);
  },
  choose: async (page, group, level) => {
    const radios = page.getByRole("group", { name: group }).getByRole("radio");
    const wanted = page.getByRole("group", { name: group }).getByRole("radio", { name: level, exact: true });
    // A group is one stop for Tab, and the arrow keys move within it.
    await reach(page, radios);
    for (let turns = 0; turns < 8 && !(await wanted.isChecked()); turns += 1) await page.keyboard.press("ArrowRight");
    await expect(wanted).toBeChecked();
  },
};

/** Tabs until something has the focus; it must be seen to have it. */
async function reach(page, wanted) {
  // If the page navigates away during the check, the check is repeated on the next page.
  const is = () => wanted.evaluateAll((found) => found.includes(document.activeElement)).catch(() => page.waitForLoadState().then(() => false));
  for (let turns = 0; turns < 600; turns += 1) {
    if (await is()) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      expect(outline, "the focus is visible").not.toBe("none");
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reached ${wanted}`);
}

/** Makes a restricted key on its page, and returns its value, which the page shows once. */
export async function create(page, hand, { name, account, permissions = {} }) {
  await page.goto("/console/keys");
  await hand.open(page, "Create restricted key");
  await page.waitForURL("**/console/keys/new");
  await hand.type(page, "Name", name);
  await hand.type(page, "Account", account);
  for (const [group, level] of Object.entries(permissions)) await hand.choose(page, group, level);
  await hand.press(page, "Create key");
  return shown(page);
}

/** The value that a page shows. */
export async function shown(page) {
  const field = page.locator("[data-value]");
  await expect(field).toBeVisible();
  return field.inputValue();
}

/** The id of the key whose page is open. */
export const idOf = (page) => /mk_[A-Za-z0-9]+/.exec(page.url())[0];
