// A small catalogue for tests: two groups and two rules.

import type { Catalogue } from '../lib/api/client.ts';

function option(key: string): Catalogue['groups'][number]['options'][number] {
  return { key, name: key, is_default: false, prices_minor: { DE: 0, GB: 0 } };
}

export const SMALL: Catalogue = {
  version: 'small',
  model: 'small',
  name: 'Small',
  groups: [
    {
      key: 'wheels',
      name: 'Wheels',
      kind: 'exactly_one',
      options: ['w18', 'w19', 'w21'].map(option),
    },
    { key: 'extras', name: 'Extras', kind: 'free', options: ['track', 'tow'].map(option) },
  ],
  rules: [
    {
      key: 'track-needs-grip',
      sentence: 'Grip.',
      when: ['track'],
      needs_any: ['w19', 'w21'],
      excludes: [],
    },
    {
      key: 'track-needs-21',
      sentence: 'Brakes.',
      when: ['track'],
      needs_any: ['w21'],
      excludes: [],
    },
    {
      key: 'tow-excludes-track',
      sentence: 'Low.',
      when: ['tow'],
      needs_any: [],
      excludes: ['track'],
    },
  ],
  markets: ['DE', 'GB'].map((key) => ({
    key,
    name: key,
    currency: key === 'DE' ? 'EUR' : 'GBP',
    tax_name: 'VAT',
    tax_basis_points: 1_900,
    base_minor: 100,
    destination_minor: 1,
  })),
};
