// The options of language and appearance, as every page offers them.

import { THEMES, type Theme } from '../design/theme.svelte.ts';
import type { MessageKey } from '../messages/catalogue.ts';
import { t } from '../messages/language.svelte.ts';
import { LOCALES, type Locale, NAMES, TAGS } from '../messages/locales.ts';

const THEME_KEYS: Readonly<Record<Theme, MessageKey & `theme.${Theme}`>> = {
  system: 'theme.system',
  light: 'theme.light',
  dark: 'theme.dark',
};

/** Each language, in its own words. */
export function localeOptions(): { value: Locale; label: string; lang: string }[] {
  return LOCALES.map((value) => ({ value, label: NAMES[value], lang: TAGS[value] }));
}

/** The name of an appearance. */
export function themeName(theme: Theme): string {
  return t(THEME_KEYS[theme]);
}

/** Each appearance, in the language of the page. */
export function themeOptions(): { value: Theme; label: string }[] {
  return THEMES.map((value) => ({ value, label: themeName(value) }));
}
