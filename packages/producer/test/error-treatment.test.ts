import { brokerErrors } from '@kiel/codec';
import { expect, test } from 'vitest';
import { BrokerError, errorTreatments, treatmentOf } from '../src/index.ts';

test('every code that Kafka has is treated, under its name', () => {
  expect(errorTreatments.map(({ code, name }) => [code, name])).toEqual(
    [...brokerErrors.values()].map(({ code, name }) => [code, name]),
  );
});

test("what Kafka's own clients retry is retried here, and nothing is retried for good that they give up", () => {
  // 8: only old brokers have it, and there it passes. 129: the bootstrap entries know more.
  const exceptions = [8, 129];
  for (const { code, retriable, refreshMetadata } of brokerErrors.values()) {
    if (exceptions.includes(code)) continue;
    expect([code, treatmentOf(code).retriable]).toEqual([code, retriable]);
    if (refreshMetadata) expect([code, treatmentOf(code).treatment]).toEqual([code, 'refresh']);
  }
});

test('C18: a code of a Kafka to come fails its record, by number, and is not retried', () => {
  expect(treatmentOf(30_000)).toMatchObject({ name: 'UNKNOWN_30000', treatment: 'failRecord', retriable: false });
  expect(new BrokerError(30_000, 'here')).toMatchObject({ code: 'UNKNOWN_30000', errorCode: 30_000, retriable: false });
});

test('each hint is one sentence for people', () => {
  for (const { hint } of errorTreatments) expect(hint).toMatch(/^[A-Z].*\.$/);
});
