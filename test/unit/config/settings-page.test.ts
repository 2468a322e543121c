import { expect, test } from "vitest";
import { settingsPage } from "../../../src/config/settings-page.ts";
import { flagOf, variableOf } from "../../../src/config/setting-row.ts";
import { SETTING_KEYS } from "../../../src/config/settings.ts";

test("docs/settings.md says what the table says (npm run docs writes it anew)", async () => {
  await expect(settingsPage()).toMatchFileSnapshot("../../../docs/settings.md");
});

test("the page names every setting by key, flag and variable", () => {
  const page = settingsPage();
  for (const key of SETTING_KEYS) {
    expect(page).toContain(`### \`${key}\``);
    expect(page).toContain(`\`${variableOf(key)}\``);
    expect(page).toContain(flagOf(key));
  }
});
