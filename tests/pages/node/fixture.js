// A signed-in browser, and checks that apply to every page.
import { expect, test as base } from "@playwright/test";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { link, url } from "./world.js";

/** Budgets of section "Console" in docs/console.md, in bytes after gzip. */
const BUDGET = { page: 30 << 10, asset: 12 << 10 };

export const test = base.extend({
  /** What the browser said and asked for; it fails the test at its end. */
  watched: [async ({ page }, use) => {
    const seen = { complaints: [], strangers: [], allowed: [] };
    page.on("console", (message) => seen.complaints.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => seen.complaints.push(String(error)));
    page.on("request", (request) => {
      const asked = new URL(request.url());
      if (asked.protocol !== "data:" && asked.origin !== new URL(url).origin) seen.strangers.push(request.url());
    });
    await use(seen);
    const unexpected = seen.complaints.filter((text) => !seen.allowed.some((pattern) => pattern.test(text)));
    expect(unexpected, "messages in the console").toEqual([]);
    expect(seen.strangers, "requests to other origins").toEqual([]);
  }, { auto: true }],

  /** Where somebody works on them: the stylesheet and the script of this folder, without a build. */
  assets: [async ({ context }, use) => {
    const folder = process.env.KEYWARD_PAGES_ASSETS;
    if (folder) await context.route(/\/(console|portal)\/assets\//, (route) => route.fulfill({ path: `${folder}/${new URL(route.request().url()).pathname.split("/").pop()}` }));
    await use();
  }, { auto: true }],

  /** A page of somebody who came by a link. */
  signedIn: async ({ page }, use) => {
    await enter(page, "admin");
    await use(page);
  },
});

/** Follows a link, as a person does. */
export async function enter(page, role, who) {
  await page.goto(`/console/enter#${await link(role, who)}`);
  await page.getByRole("button", { name: /continue|sign in/i }).click();
  await page.waitForURL((now) => !now.pathname.startsWith("/console/enter"));
}

/** Put into a page once, and not by the builder of @axe-core/playwright: that one opens two more pages each time. */
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const EVERYTHING = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
/** The rules that look at colours. The schemes differ in nothing else, which states.spec.js checks. */
export const COLOURS = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/** Rows of a matrix after the third of their group, where nothing is chosen: one function makes them all, and axe takes most of a run for them. */
const ALIKE = "[data-row] ~ [data-row] ~ [data-row] ~ [data-row]:not(:has(.to:checked))";

async function axe(page, rules, whole) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async ([runOnly, alike]) => {
    // At the end of a page the bar of its buttons stands in its own place. Elsewhere it covers a part of some row, which axe takes for a small target.
    scrollTo(0, document.scrollingElement.scrollHeight);
    const context = alike ? { include: [document], exclude: [[alike]] } : document;
    const found = await globalThis.axe.run(context, { runOnly, resultTypes: ["violations"] });
    scrollTo(0, 0);
    return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join("; ")}`);
  }, [rules, whole ? "" : ALIKE]);
}

/** What holds of every page at every width: accessibility, no sideways scroll, the look. The schemes differ in colours only, so in the dark the colours are looked at. */
export async function inspect(page, name = "", rules = EVERYTHING, whole = false) {
  expect.soft(await axe(page, rules, whole), `${name}: axe`).toEqual([]);
  if (rules === COLOURS) return;
  await look(page, name);
}

/** The same without accessibility: quick. */
export async function look(page, name = "") {
  expect.soft(await page.evaluate(measure), `${name}: the look`).toEqual({ sideways: 0, spilt: [], sizes: [], steps: [], heights: [], cut: [], small: [], away: [] });
}

/** The budget of a page. */
export async function weigh(page, name) {
  expect.soft(gzipSync(await page.content()).length, `${name}: bytes of the page`).toBeLessThan(BUDGET.page);
}

/** Runs in the page. */
function measure() {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden" && !element.closest(".unseen, .skip");
  const name = (element) => `${element.tagName.toLowerCase()}${element.className ? `.${String(element.className).replaceAll(" ", ".")}` : ""}`;
  const all = [...document.body.querySelectorAll("*")].filter(shown);
  const sizes = new Set();
  const steps = new Set();
  const cut = new Set();
  const spilt = new Set();
  for (const element of all) {
    const style = getComputedStyle(element);
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (hasText && ![12, 14, 16, 20].includes(parseFloat(style.fontSize))) sizes.add(`${name(element)} ${style.fontSize}`);
    if (element.closest("svg") || ["OPTION", "MAIN"].includes(element.tagName)) continue;
    const card = element.closest(".menu[open]") ? null : element.closest(".card");
    if (card && element.getBoundingClientRect().right > card.getBoundingClientRect().right + 1) spilt.add(name(element));
    for (const side of ["Top", "Right", "Bottom", "Left"]) {
      for (const of of ["padding", "margin"]) {
        const px = parseFloat(style[of + side]) || 0;
        // `auto` resolves to the remaining space.
        if (px % 4 !== 0 && px <= 48) steps.add(`${name(element)} ${of}${side} ${px}`);
      }
    }
    for (const of of ["rowGap", "columnGap"]) if ((parseFloat(style[of]) || 0) % 4 !== 0) steps.add(`${name(element)} ${of} ${style[of]}`);
    const hides = ["hidden", "clip"].includes(style.overflowX) || style.textOverflow === "ellipsis";
    // Elements for screen readers only are clipped as a whole.
    if (hides && style.clipPath === "none" && element.scrollWidth > element.clientWidth + 1 && element.tagName !== "INPUT") cut.add(name(element));
  }
  const controls = all.filter((one) => one.matches("main .button, main select, main input:not([type=radio], [type=checkbox])") && !one.closest(".every, .small"));
  const heights = new Set(controls.map((one) => Math.round(one.getBoundingClientRect().height)));
  // WCAG 2.5.8: 24 by 24, except for links within a text and choices whose label is the target.
  const targets = all.filter((one) => one.matches("button, select, summary, .button, .chip, .nav a, .tabs a, .menu a, label.choice, label.level"));
  const small = targets.filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; });
  // On a phone, the buttons of a long form are in sight wherever one is in it.
  const bars = innerWidth < 640 ? all.filter((one) => one.matches(".bar")) : [];
  const away = bars.filter((one) => one.getBoundingClientRect().bottom > innerHeight + 1);
  return {
    sideways: Math.max(0, document.scrollingElement.scrollWidth - innerWidth),
    spilt: [...spilt], sizes: [...sizes], steps: [...steps], heights: heights.size > 1 ? [...heights] : [], cut: [...cut], small: small.map(name), away: away.map(name),
  };
}

export { expect };
