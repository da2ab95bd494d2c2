// A car in an address: `?market=DE&choice=tow-bar`. Whoever has the link sees the same car. Pure.
//
// Rules: only what the buyer chose stands in it, never what follows from it; in order of the alphabet,
// so that one car has one address; what the catalogue does not know is left out and named.

import type { Catalogue, CatalogueGroup } from '../lib/api/client.ts';

export const CHOICES_MAX = 100;

export interface Wanted {
  readonly market: string;
  readonly choices: readonly string[];
}

/** What an address asks for; `unknown` are options that are not for sale. */
export function readWanted(
  query: string,
  catalogue: Catalogue,
  languages: readonly string[],
): Wanted & { readonly unknown: readonly string[] } {
  const given = new URLSearchParams(query);
  const market = catalogue.markets.find(({ key }) => key === given.get('market'));
  const known = new Set(catalogue.groups.flatMap(({ options }) => options.map(({ key }) => key)));
  const named = [...new Set(given.getAll('choice'))].sort();
  return {
    market: market?.key ?? marketOf(languages, catalogue),
    choices: named.filter((key) => known.has(key)).slice(0, CHOICES_MAX),
    unknown: named.filter((key) => !known.has(key)),
  };
}

/** The query of an address. */
export function queryOf({ market, choices }: Wanted): string {
  const pairs = [['market', market], ...[...choices].sort().map((key) => ['choice', key])];
  return `?${new URLSearchParams(pairs).toString()}`;
}

/** The market of a browser's languages: by their region, then by what is spoken there. */
export function marketOf(languages: readonly string[], catalogue: Catalogue): string {
  for (const tag of languages) {
    const { region } = new Intl.Locale(tag).maximize();
    const market = catalogue.markets.find(({ key }) => key === region);
    if (market) return market.key;
  }
  return catalogue.markets[0]?.key ?? '';
}

/** The choices with one more: in place of the group's other one, or beside the group's others. */
export function chosen(
  choices: readonly string[],
  group: CatalogueGroup,
  key: string,
): readonly string[] {
  const mates = group.kind === 'exactly_one' ? group.options.map((option) => option.key) : [];
  const kept = choices.filter((choice) => choice !== key && !mates.includes(choice));
  return [...kept, key].sort();
}

/** The choices without one. */
export function unchosen(choices: readonly string[], key: string): readonly string[] {
  return choices.filter((choice) => choice !== key);
}

export interface Changed {
  readonly group: CatalogueGroup;
  /** Null where nothing was, or is. */
  readonly from: string | null;
  readonly to: string | null;
}

/** How one whole car differs from another, in the order of the catalogue. */
export function differences(
  catalogue: Catalogue,
  before: readonly string[],
  after: readonly string[],
): readonly Changed[] {
  return catalogue.groups.flatMap((group): Changed[] => {
    const keys = group.options.map(({ key }) => key);
    const gone = keys.filter((key) => before.includes(key) && !after.includes(key));
    const come = keys.filter((key) => after.includes(key) && !before.includes(key));
    if (group.kind === 'exactly_one') {
      const [from = null] = gone;
      const [to = null] = come;
      return from === null && to === null ? [] : [{ group, from, to }];
    }
    return [
      ...gone.map((from) => ({ group, from, to: null })),
      ...come.map((to) => ({ group, from: null, to })),
    ];
  });
}
