// Generates the types of the API from the cell's OpenAPI document.
// `node tools/client.ts` writes them; with --check it fails when they differ from what is committed.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import openapi, { astToString, COMMENT_HEADER } from 'openapi-typescript';

const PROJECT = resolve(import.meta.dirname, '../..');
const SCHEMA = resolve(import.meta.dirname, '../lib/api/schema.d.ts');

const python = process.env.MONOCOQUE_PYTHON ?? join(PROJECT, '.venv/bin/python');
const document = execFileSync(python, ['-m', 'monocoque.roles.openapi'], {
  encoding: 'utf8',
  maxBuffer: 16 * 1024 * 1024,
  env: { ...process.env, PYTHONPATH: join(PROJECT, 'src') },
});
const types = COMMENT_HEADER + astToString(await openapi(JSON.parse(document)));

if (!process.argv.includes('--check')) {
  writeFileSync(SCHEMA, types);
} else if (readFileSync(SCHEMA, 'utf8') !== types) {
  console.error('lib/api/schema.d.ts is not what the OpenAPI document says: run `npm run client`.');
  process.exitCode = 1;
}
