import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MessageKey } from './catalogue.ts';
import { CATALOGUES, chooseLocale, LOCALES, translate } from './locales.ts';

const KEYS = Object.keys(CATALOGUES.en) as MessageKey[];

/** Codes that never travel over HTTP to a page: they stop a start, or live on the bus only. */
const NEVER_ON_A_PAGE = new Set([
  'monocoque_error',
  'input_error',
  'rights_error',
  'limit_error',
  'storage_error',
  'setup_error',
  'money_mismatch',
  'message_refused',
  'message_malformed',
  'message_too_large',
  'message_version_unknown',
  'message_from_the_future',
  'message_expired',
  'topic_unknown',
  'topic_refused',
  'document_refused',
  'document_malformed',
  'document_too_large',
  'document_type_unknown',
  'algorithm_refused',
  'signature_invalid',
  'key_unknown',
  'critical_claim_unknown',
  'document_expired',
  'document_not_yet_valid',
  'document_audience_wrong',
  'decryption_failed',
  'catalogue_contradicts',
  'catalogue_malformed',
  'data_directory_newer',
  'data_directory_older',
  'data_directory_in_use',
  'port_in_use',
  'setting_invalid',
  'role_unknown',
  'server_missing',
  'server_failed',
  'pages_altered',
  'deadlock',
  'machine_fenced',
  'livelock',
  'not_in_virtual_time',
  'work_not_synchronous',
  'manifest_replayed',
  'inventory_changed',
  'report_contradicts',
  'home_already_taken',
  'scene_request_refused',
  'home_word_refused',
  'device_failed',
  'signal_unknown',
  'signal_value_refused',
  'signal_not_actuator',
  'signal_denied',
  'signal_token_refused',
  'signal_token_expired',
  'signal_claimed',
  'can_database_wrong',
  'can_mapping_wrong',
  'can_log_format_unknown',
  'can_log_broken',
  'can_frame_broken',
  'can_target_refused',
  'can_bus_unavailable',
  'signal_provider_missing',
  'signal_clients_full',
  'app_refused',
  'app_malformed',
  'app_too_large',
  'app_altered',
  'app_market_wrong',
  'app_signal_unknown',
  'app_asks_too_much',
  'app_publisher_unknown',
]);

function placeholders(key: MessageKey, locale: (typeof LOCALES)[number]): string[] {
  const message = CATALOGUES[locale][key];
  const text = typeof message === 'string' ? message : message.other;
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort();
}

describe('messages', () => {
  it.each(LOCALES)('in %s are never empty and name the same values as in English', (locale) => {
    for (const key of KEYS) {
      const message = CATALOGUES[locale][key];
      const forms = typeof message === 'string' ? [message] : Object.values(message);
      for (const form of forms) expect(form?.trim(), key).toBeTruthy();
      expect(placeholders(key, locale), key).toEqual(placeholders(key, 'en'));
    }
  });

  it('are worded anew in each language', () => {
    const same = KEYS.filter((key) => /\s\w+\s/.test(JSON.stringify(CATALOGUES.en[key]))).filter(
      (key) =>
        JSON.stringify(CATALOGUES.en[key]) === JSON.stringify(CATALOGUES.zh[key]) ||
        JSON.stringify(CATALOGUES.en[key]) === JSON.stringify(CATALOGUES.de[key]),
    );
    expect(same).toEqual([]);
  });

  it('are said once: of two with one name, only the later is ever shown', () => {
    const folder = new URL('.', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const keys = files
      .filter((name) => /(^|[/\\])en\.ts$/.test(name))
      .flatMap((name) => [
        ...readFileSync(new URL(name, folder), 'utf8').matchAll(/^ {2}'?([\w.-]+)'?:/gm),
      ])
      .map((found) => found[1] ?? '');
    expect(keys.sort()).toEqual([...KEYS].sort());
  });

  it('choose the plural of the language and write numbers its way', () => {
    expect(translate('en', 'health.cars_online', { count: 1 })).toBe('1 car online');
    expect(translate('en', 'health.cars_online', { count: 1300 })).toBe('1,300 cars online');
    expect(translate('de', 'health.cars_online', { count: 1300 })).toBe('1.300 Autos online');
    expect(translate('zh', 'health.cars_online', { count: 1 })).toBe('1 辆车在线');
  });

  it('never interpret what is put into them', () => {
    expect(translate('en', 'car.copy', { id: '{id} $& <b>' })).toBe(
      'Copy the identifier {id} $& <b>',
    );
  });

  it('cover every error code that can reach a page', () => {
    const folder = new URL('../../../src/monocoque/contracts/errors/', import.meta.url);
    const source = readdirSync(folder)
      .filter((name) => name.endsWith('.py'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n');
    const codes = [...source.matchAll(/^ {4}code(?:: ClassVar\[str\])? = "(\w+)"$/gm)].map(
      (found) => found[1] ?? '',
    );
    expect(codes.length).toBeGreaterThan(40);
    const known = new Set<string>(KEYS);
    const uncovered = codes.filter(
      (code) =>
        !NEVER_ON_A_PAGE.has(code) &&
        !(known.has(`error.${code}`) && known.has(`error.${code}.hint`)),
    );
    expect(uncovered).toEqual([]);
  });
});

describe('the language of a browser', () => {
  it.each([
    [['de-AT', 'en'], 'de'],
    [['fr-FR', 'zh-Hant-TW', 'en'], 'zh'],
    [['fr'], 'en'],
    [[], 'en'],
  ] as const)('%j is %s', (wanted, chosen) => {
    expect(chooseLocale(wanted)).toBe(chosen);
  });
});
