// The languages of the pages, and how a message becomes a sentence. Pure: no page, no storage.

import type { Catalogue, MessageKey, Plural, Values } from './catalogue.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { zh } from './zh.ts';

export const LOCALES = ['en', 'zh', 'de'] as const;
export type Locale = (typeof LOCALES)[number];

/** The BCP 47 tag of each, for `lang` and for Intl. */
export const TAGS: Readonly<Record<Locale, string>> = { en: 'en', zh: 'zh-Hans', de: 'de' };

/** Each language in its own words. */
export const NAMES: Readonly<Record<Locale, string>> = { en: 'English', zh: '中文', de: 'Deutsch' };

export const CATALOGUES: Readonly<Record<Locale, Catalogue>> = { en, zh, de };

const pluralRules: Readonly<Record<Locale, Intl.PluralRules>> = {
  en: new Intl.PluralRules(TAGS.en),
  zh: new Intl.PluralRules(TAGS.zh),
  de: new Intl.PluralRules(TAGS.de),
};

const numbers: Readonly<Record<Locale, Intl.NumberFormat>> = {
  en: new Intl.NumberFormat(TAGS.en),
  zh: new Intl.NumberFormat(TAGS.zh),
  de: new Intl.NumberFormat(TAGS.de),
};

/** A number in the language's own writing. */
export function formatNumber(locale: Locale, value: number): string {
  return numbers[locale].format(value);
}

/** The sentence of a key. A plural is chosen by the value named `count`. */
export function translate<Key extends MessageKey>(
  locale: Locale,
  key: Key,
  ...[values]: Values<Key>
): string {
  const given: Readonly<Record<string, string | number>> = values ?? {};
  const message: string | Plural = CATALOGUES[locale][key];
  const text =
    typeof message === 'string'
      ? message
      : (message[pluralRules[locale].select(Number(given.count))] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = given[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? formatNumber(locale, value) : value;
  });
}

/** Whether it is one of our languages. */
export function isLocale(value: unknown): value is Locale {
  return LOCALES.some((locale) => locale === value);
}

/** The first of the wanted languages (BCP 47 tags, best first) that we speak; else English. */
export function chooseLocale(wanted: readonly string[]): Locale {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (isLocale(language)) return language;
  }
  return 'en';
}
