// The rows of the table of documents that a phone reads and signs: those of
// monocoque.contracts.documents, which a test compares.

import type { DocumentType } from './verify.ts';

export const HAND_OVER: DocumentType = {
  typ: 'monocoque-hand-over.v1+jws',
  algorithms: ['ES256'],
  claims: ['aud', 'cnf', 'exp', 'iat', 'iss', 'jti', 'proof', 'sub'],
  lifetime_s_max: 600,
};

export const KEY_GRANT: DocumentType = {
  typ: 'monocoque-key-grant.v1+jws',
  algorithms: ['ES256'],
  claims: ['aud', 'cnf', 'depth', 'iat', 'iss', 'jti', 'rights'],
  lifetime_s_max: 0,
};

export const COMMAND: DocumentType = {
  typ: 'monocoque-command.v1+jws',
  algorithms: ['ES256'],
  claims: ['aud', 'counter', 'epoch', 'exp', 'iat', 'iss', 'jti', 'scope', 'sealed'],
  lifetime_s_max: 86_400,
};

export const RECEIPT: DocumentType = {
  typ: 'monocoque-receipt.v1+jws',
  algorithms: ['ES256'],
  claims: [
    'command_sha256',
    'iat',
    'iss',
    'key',
    'outcome',
    'previous_sha256',
    'scope',
    'sequence',
    'sub',
  ],
  lifetime_s_max: 0,
};
