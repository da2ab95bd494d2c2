import { describe, expect, it } from 'vitest';
import type { CatalogueGroup } from '../lib/api/client.ts';
import {
  CHOICES_MAX,
  chosen,
  differences,
  marketOf,
  queryOf,
  readWanted,
  unchosen,
} from './address.ts';
import { reasonOf, telling } from './reasons.ts';
import { SMALL } from './small.ts';

const [WHEELS, EXTRAS] = SMALL.groups as [CatalogueGroup, CatalogueGroup];

describe('an address', () => {
  it('comes back as the car that it was made of', () => {
    const wanted = { market: 'GB', choices: ['tow', 'w19'] };
    expect(readWanted(queryOf(wanted), SMALL, [])).toEqual({ ...wanted, unknown: [] });
  });

  it('is the same for the same choices in any order', () => {
    const one = queryOf({ market: 'DE', choices: ['w19', 'tow'] });
    expect(one).toBe(queryOf({ market: 'DE', choices: ['tow', 'w19'] }));
    expect(one).toBe('?market=DE&choice=tow&choice=w19');
  });

  it('names what is not for sale and leaves it out', () => {
    const found = readWanted('?market=FR&choice=sail&choice=tow&choice=tow', SMALL, ['en-GB']);
    expect(found).toEqual({ market: 'GB', choices: ['tow'], unknown: ['sail'] });
  });

  it('asks for no more choices than the shop takes', () => {
    const options = Array.from({ length: CHOICES_MAX + 1 }, (_, place) => ({
      ...WHEELS.options[0],
      key: `o${place}`,
    })) as CatalogueGroup['options'];
    const large = { ...SMALL, groups: [{ ...EXTRAS, options }] };
    const query = queryOf({ market: 'DE', choices: options.map(({ key }) => key) });
    expect(readWanted(query, large, []).choices).toHaveLength(CHOICES_MAX);
  });

  it.each([
    [['en-GB', 'de'], 'GB'],
    [['fr', 'en-GB'], 'GB'],
    [['de'], 'DE'],
    [['de-AT'], 'DE'],
    [[], 'DE'],
  ])('of a browser that speaks %j is for %s', (languages, market) => {
    expect(marketOf(languages, SMALL)).toBe(market);
  });
});

describe('choosing', () => {
  it('takes the place of the other one in a group of which a car has one', () => {
    expect(chosen(['tow', 'w19'], WHEELS, 'w21')).toEqual(['tow', 'w21']);
  });

  it('stands beside the others in a free group, once', () => {
    expect(chosen(['tow', 'w19'], EXTRAS, 'track')).toEqual(['tow', 'track', 'w19']);
    expect(chosen(['tow'], EXTRAS, 'tow')).toEqual(['tow']);
  });

  it('can be taken back', () => {
    expect(unchosen(['tow', 'w19'], 'tow')).toEqual(['w19']);
  });
});

describe('what differs between two cars', () => {
  const before = ['tow', 'w18'];
  const after = ['track', 'w21'];
  const found = differences(SMALL, before, after);

  it('is said once for each group of one, and for each option of a free group', () => {
    expect(found.map(({ group, from, to }) => [group.key, from, to])).toEqual([
      ['wheels', 'w18', 'w21'],
      ['extras', 'tow', null],
      ['extras', null, 'track'],
    ]);
    expect(differences(SMALL, before, before)).toEqual([]);
  });

  it('has the rule behind it that leaves the fewest ways, and a wish has none', () => {
    const reasons = found.map((change) => reasonOf(SMALL, before, after, change)?.key ?? null);
    expect(reasons).toEqual(['track-needs-21', 'tow-excludes-track', null]);
  });

  it('has no rule behind it that held before', () => {
    const change = { group: WHEELS, from: 'w19', to: 'w21' };
    expect(reasonOf(SMALL, ['w19'], ['w21'], change)).toBeNull();
    expect(reasonOf(SMALL, ['track', 'w21'], ['w19'], { ...change, to: 'w19' })).toBeNull();
  });
});

describe('reasons', () => {
  const one = { key: 'one-of-wheels', sentence: 'One.' };
  const rule = { key: 'track-needs-21', sentence: 'Brakes.' };

  it('leave out that a car has one of a group, unless that is all', () => {
    expect(telling([one, rule])).toEqual([rule]);
    expect(telling([one])).toEqual([one]);
  });
});
