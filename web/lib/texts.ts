// Texts that come in several languages, as a release brings them. Pure.

/** The text in the reader's language; English where there is none, else any. */
export function inLanguage(texts: Readonly<Record<string, string>>, locale: string): string {
  return texts[locale] ?? texts.en ?? Object.values(texts)[0] ?? '';
}

/** The language that inLanguage took, for `lang`. */
export function languageOf(texts: Readonly<Record<string, string>>, locale: string): string {
  return Object.hasOwn(texts, locale) ? locale : Object.hasOwn(texts, 'en') ? 'en' : '';
}
