import { brokerError, brokerErrors } from '@kiel/codec';
import { expect, test } from 'vitest';

test('every code from -1 to 136 has its own name and a sentence that says what it means', () => {
  expect(brokerErrors.map(({ code }) => code)).toEqual(Array.from({ length: 138 }, (_, i) => i - 1));
  expect(new Set(brokerErrors.map(({ name }) => name)).size).toBe(138);
  for (const { name, meaning } of brokerErrors) {
    expect(name).toMatch(/^[A-Z_]+$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  }
});

test('exactly the codes that Kafka’s own clients retry are retriable', () => {
  const retriable = brokerErrors.filter((error) => error.retriable).map(({ code }) => code);
  expect(retriable).toEqual([
    2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106,
    122, 123, 133,
  ]);
  const refreshing = brokerErrors.filter((error) => error.refreshMetadata).map(({ code }) => code);
  expect(refreshing).toEqual([3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103]);
});

test.each([30000, -2, 137, 1.5, Number.NaN])(
  'C18: the unknown code %d keeps its number and is not retriable',
  (code) => {
    expect(brokerError(code)).toMatchObject({
      code,
      name: `UNKNOWN_${code}`,
      retriable: false,
      refreshMetadata: false,
    });
  },
);

test('a known code is found by its number', () => {
  expect(brokerError(6)).toMatchObject({
    code: 6,
    name: 'NOT_LEADER_OR_FOLLOWER',
    retriable: true,
    refreshMetadata: true,
  });
  expect(brokerError(-1).name).toBe('UNKNOWN_SERVER_ERROR');
});
