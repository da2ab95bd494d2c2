import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { money, taxOf, taxRate } from './money.ts';

const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

describe('an amount of money', () => {
  it('is written in the language of the page', () => {
    expect(plain(money('en', 5_740_560, 'EUR'))).toBe('€57,405.60');
    expect(plain(money('de', 5_740_560, 'EUR'))).toBe('57.405,60 €');
    expect(plain(money('zh', 28_238_700, 'CNY'))).toBe('¥282,387.00');
  });

  it('keeps to the digits of its currency', () => {
    expect(plain(money('en', 500, 'JPY'))).toBe('¥500');
  });

  it('has a sign when it comes on top or goes off', () => {
    expect(plain(money('en', 100, 'GBP', 'difference'))).toBe('+£1.00');
    expect(plain(money('en', -100, 'GBP', 'difference'))).toBe('-£1.00');
    expect(plain(money('en', 0, 'GBP', 'difference'))).toBe('£0.00');
  });
});

describe('tax', () => {
  it.each([
    [100, 1_900, 19],
    [50, 100, 1], // half up
    [49, 100, 0],
    [0, 1_900, 0],
  ])('on %i at %i is %i', (net, basis_points, tax) => {
    expect(taxOf(net, basis_points)).toBe(tax);
  });

  it('is that of the prices which were worked out by hand', () => {
    const file = new URL('../../tests/vectors/prices.json', import.meta.url);
    type Line = [kind: string, key: string, net_minor: number, tax_minor: number];
    const cases: { market: string; lines: Line[] }[] = JSON.parse(readFileSync(file, 'utf8')).cases;
    const RATES: Record<string, number> = { DE: 1_900, GB: 2_000, CN: 1_300 };
    expect(cases.length).toBeGreaterThan(2);
    for (const { market, lines } of cases) {
      for (const [, key, net, tax] of lines) expect(taxOf(net, RATES[market] ?? 0), key).toBe(tax);
    }
  });

  it('has its rate in the language of the page', () => {
    expect(plain(taxRate('de', 1_900))).toBe('19 %');
    expect(plain(taxRate('en', 850))).toBe('8.5%');
  });
});
