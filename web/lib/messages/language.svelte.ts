// The language that is shown now, and the word for everything in it.
// Kept in this browser, so that the signed-out pages speak it too; the account's setting wins.

import { keep, kept } from '../storage.ts';
import type { MessageKey, Values } from './catalogue.ts';
import { en } from './en.ts';
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

/** The keys of messages that are one text, whatever a count says. */
type Plain = { [key in MessageKey]: Values<key> extends [] ? key : never }[MessageKey];

/** Whether it is the key of a message that needs no values. */
export function isPlain(key: string): key is Plain {
  const text = Object.hasOwn(en, key) ? en[key as MessageKey] : undefined;
  return typeof text === 'string' && !text.includes('{');
}

/** The sentence of a key that was made of a word; see `isPlain`. */
export function word(key: Plain): string {
  return translate(current, key as 'nav.main');
}
