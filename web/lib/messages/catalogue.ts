// What a catalogue of messages is. English is the birthplace of every key: a key that is missing
// in another language does not compile, and a placeholder that differs fails a test.

import type { en } from './en.ts';

/** A message that depends on a count; every language has at least `other` (CLDR plural rules). */
export type Plural = { readonly other: string } & {
  readonly [form in Exclude<Intl.LDMLPluralRule, 'other'>]?: string;
};

export type Message = string | Plural;
export type MessageKey = keyof typeof en;

/** The same keys as the English part; a text stays a text, a plural stays a plural. */
export type CatalogueOf<Part> = {
  readonly [key in keyof Part]: Part[key] extends string ? string : Plural;
};

/** Every message of the pages. */
export type Catalogue = CatalogueOf<typeof en>;

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

type PlaceholdersOf<Key extends MessageKey> = (typeof en)[Key] extends {
  readonly other: infer Text;
}
  ? Placeholders<Text>
  : Placeholders<(typeof en)[Key]>;

/** The values that a message needs; none means that the argument is left out. */
export type Values<Key extends MessageKey> = [PlaceholdersOf<Key>] extends [never]
  ? []
  : [values: { readonly [name in PlaceholdersOf<Key>]: string | number }];
