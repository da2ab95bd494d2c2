// The language that is shown now, and the word for everything in it.
// Kept in this browser, so that the signed-out pages speak it too; the account's setting wins.

import { keep, kept } from '../storage.ts';
import type { MessageKey, Values } from './catalogue.ts';
import { chooseLocale, isLocale, type Locale, TAGS, translate } from './locales.ts';

function initial(): Locale {
  const before = kept('locale');
  return isLocale(before) ? before : chooseLocale(navigator.languages);
}

const first = initial();
let current = $state<Locale>(first);
document.documentElement.lang = TAGS[first];

/** The language that is shown now. */
export function locale(): Locale {
  return current;
}

/** Speak another language from now on. */
export function setLocale(next: Locale): void {
  current = next;
  document.documentElement.lang = TAGS[next];
  keep('locale', next);
}

/** The sentence of a key, in the language that is shown now. */
export function t<Key extends MessageKey>(key: Key, ...values: Values<Key>): string {
  return translate(current, key, ...values);
}
