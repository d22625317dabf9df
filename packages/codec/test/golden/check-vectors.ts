import { isDeepStrictEqual } from 'node:util';
import { fieldsOf, fromJson, type Json, type Message, toJson } from '@kiel/codec';
import { expect } from 'vitest';
import { knownFailures } from './ledger.ts';
import { asCodecJson, completed, inputOf, plainOf } from './plain.ts';
import type { Vector } from './vectors.ts';

/** Holds each vector against the codec, in both directions, and the outcome against the ledger. */
export function checkVectors(message: Message, name: string, vectors: readonly Vector[]): void {
  const fields = fieldsOf(message);
  const failures = new Map<string, unknown>();
  const listed = knownFailures.filter((failure) => failure.startsWith(`${name} `));
  for (const vector of vectors) {
    const { version, case: kind, bytes, json } = vector;
    const check = (what: string, run: () => unknown, expected: unknown) => {
      const outcome = outcomeOf(run);
      if (!isDeepStrictEqual(outcome, expected))
        failures.set(`${name} v${version} ${kind}: ${what}`, { outcome, expected });
    };
    const decoded = () => message.decode(bytes, version) as Record<string, unknown>;
    check('decode', () => plainOf(decoded(), fields, version), completed(vector));
    check('encode what was decoded', () => message.encode(decoded(), version), bytes);
    check('encode what Java says', () => message.encode(inputOf(json, fields), version), bytes);
    const throughText = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;
    check('toJson', () => throughText(toJson(message, decoded(), version)), asCodecJson(completed(vector)));
    check('fromJson', () => fromJson(message, asCodecJson(json) as Json, version), decoded());
  }
  const unlisted = [...failures].filter(([failure]) => !listed.includes(failure));
  expect(unlisted.slice(0, 5), `${unlisted.length} of ${vectors.length * 5} checks failed`).toEqual([]);
  expect(listed.filter((failure) => !failures.has(failure))).toEqual([]);
}

function outcomeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return `threw ${error}`;
  }
}
