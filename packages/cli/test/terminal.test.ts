import { expect, test } from 'vitest';
import { bytesToJson, parseJson, toJson } from '../src/terminal/json.ts';
import { bar } from '../src/terminal/progress.ts';
import { bytes, count, duration, plural } from '../src/terminal/quantity.ts';
import { displayWidth, tableLines } from '../src/terminal/table.ts';

test('JSON keeps every digit of an int64', () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0n, -1n];
  expect(toJson({ values })).toBe('{"values":[9223372036854775807,-9223372036854775808,9007199254740993,0,-1]}');
  expect(parseJson(toJson(values))).toEqual([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0, -1]);
});

test('parsing keeps texts and fractions with many digits as they are', () => {
  expect(parseJson('{"a":"12345678901234567890","b":0.1234567890123456,"c":12345678901234567890}')).toEqual({
    a: '12345678901234567890',
    b: 0.1234567890123456,
    c: 12345678901234567890n,
  });
});

test('bytes are text where they are UTF-8 and base64, marked as such, where not', () => {
  expect(bytesToJson(Buffer.from('Łódź'))).toBe('Łódź');
  expect(bytesToJson(Uint8Array.of(0xff, 0))).toEqual({ base64: '/wA=' });
  expect(toJson({ key: new Uint8Array(0) })).toBe('{"key":""}');
});

test('tables stay aligned with wide letters, emoji and colours', () => {
  expect(displayWidth('寿司店')).toBe(6);
  expect(displayWidth('Tacos 🌮')).toBe(8);
  expect(displayWidth('\x1b[31mred\x1b[39m')).toBe(3);
  const lines = tableLines(
    [{ title: 'name' }, { title: 'n', align: 'right' }],
    [
      ['寿司店', '5'],
      ['ä', '1,000'],
    ],
  );
  expect(lines).toEqual(['name        n', '──────  ─────', '寿司店      5', 'ä       1,000']);
});

test('quantities read well at both ends', () => {
  expect([bytes(0), bytes(1023), bytes(1024), bytes(5 * 1024 ** 3)]).toEqual(['0 B', '1023 B', '1.00 KiB', '5.00 GiB']);
  expect([bytes(92.43461166584059), bytes(1023.7)]).toEqual(['92 B', '1.00 KiB']);
  expect([duration(0.5), duration(999), duration(1500), duration(61_000), duration(3_700_000)]).toEqual([
    '0.50 ms',
    '999 ms',
    '1.50 s',
    '1 min 1 s',
    '1 h 1 min',
  ]);
  expect([count(1234567n), plural(1, 'record'), plural(0, 'record')]).toEqual(['1,234,567', '1 record', '0 records']);
});

test('the bar has the same width at every step and is full only at the end', () => {
  for (let step = 0; step <= 100; step++) expect(displayWidth(bar(step / 100, 10))).toBe(12);
  expect(bar(1, 4)).toBe('▕████▏');
  expect(bar(0, 4)).toBe('▕    ▏');
  expect(bar(7, 2)).toBe('▕██▏');
});
