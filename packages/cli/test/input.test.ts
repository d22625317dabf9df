import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvReader, type CsvRow } from '../src/input/csv.ts';
import { LengthPrefixedReader } from '../src/input/length-prefixed.ts';
import { type Line, LineCutter } from '../src/input/lines.ts';
import { type Entry, type RecordShape, readEntries } from '../src/input/records.ts';
import { Template } from '../src/input/template.ts';

const shape: RecordShape = {
  format: 'lines',
  maxBytes: 1000,
  keySeparator: undefined,
  nullValue: undefined,
  csvSeparator: ',',
  columns: undefined,
  key: undefined,
  value: undefined,
  partition: undefined,
  timestamp: undefined,
  headers: [],
  allowMissingKey: false,
};

async function* once(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function entriesOf(input: string | Uint8Array, over: Partial<RecordShape>, chunkBytes = 7): Promise<Entry[]> {
  const all: Entry[] = [];
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  for await (const entries of readEntries(once(bytes, chunkBytes), { ...shape, ...over })) all.push(...entries);
  return all;
}

function text(value: string | Uint8Array | null): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

const brief = (entry: Entry) =>
  entry.record === null
    ? `${entry.number}! ${entry.fault}`
    : [entry.number, text(entry.record.key), text(entry.record.value)];

test('lines come out the same however the input is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 12 }).map((line) => line.replaceAll(/[\r\n]/g, ''))),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      (lines, end, endsWithLineEnd, size) => {
        const bytes = Buffer.from(lines.join(end) + (endsWithLineEnd && lines.length > 0 ? end : ''));
        const cutter = new LineCutter(1000);
        const found: Line[] = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...cutter.cut(bytes.subarray(at, at + size)));
        const last = cutter.rest();
        if (last !== null) found.push(last);
        // An empty last line without a line end is no line.
        const expected = !endsWithLineEnd && lines.at(-1) === '' ? lines.slice(0, -1) : lines;
        expect(found.map((line) => Buffer.from(line.bytes!).toString())).toEqual(expected);
        expect(found.map((line) => line.number)).toEqual(expected.map((_, index) => index + 1));
      },
    ),
  );
});

test('a line over the limit is passed over by its number and the lines around it are kept', () => {
  const cutter = new LineCutter(4);
  const found = ['ab\n', '12', '34', '56\ncd', '\n12345\nef'].flatMap((chunk) => cutter.cut(Buffer.from(chunk)));
  found.push(cutter.rest()!);
  expect(found.map((line) => [line.number, line.bytes && Buffer.from(line.bytes).toString()])).toEqual([
    [1, 'ab'],
    [2, null],
    [3, 'cd'],
    [4, null],
    [5, 'ef'],
  ]);
});

test('a line that is not JSON is named by number and reason, and blank lines are nobody’s fault', async () => {
  const entries = await entriesOf('{"a":1}\n\n{"a":\n[2]\n', { format: 'json' });
  expect(entries.map((entry) => entry.number)).toEqual([1, 3, 4]);
  expect(entries[1]!.fault).toMatch(/^it is not JSON: /);
  expect(brief(entries[2]!)).toEqual([4, null, '[2]']);
});

test('bytes that are not UTF-8 are refused where JSON was promised and pass where lines are', async () => {
  const bytes = Buffer.from([0x22, 0xff, 0x22, 0x0a]);
  expect((await entriesOf(bytes, { format: 'json' }))[0]!.fault).toBe('it is not UTF-8 text');
  expect((await entriesOf(bytes, { format: 'lines' }))[0]!.record!.value).toEqual(bytes.subarray(0, 3));
});

test('the line itself is sent, not a rewritten copy, and a key of 19 digits keeps them all', async () => {
  const line = '{ "id": 9223372036854775807, "v": 1.0 }';
  expect((await entriesOf(line, { format: 'json', key: 'id' })).map(brief)).toEqual([[1, '9223372036854775807', line]]);
});

test('a key is found by a path, may be null, and its absence is a fault unless allowed', async () => {
  const input = '{"c":{"id":"x"}}\n{"c":{"id":null}}\n{"c":{}}\n7\n';
  expect((await entriesOf(input, { format: 'json', key: 'c.id' })).map(brief)).toEqual([
    [1, 'x', '{"c":{"id":"x"}}'],
    [2, null, '{"c":{"id":null}}'],
    '3! there is no key field "c.id"',
    '4! there is no key field "c.id"',
  ]);
  const allowed = await entriesOf(input, { format: 'json', key: 'c.id', allowMissingKey: true });
  expect(allowed.filter((entry) => entry.fault !== null)).toEqual([]);
});

test('templates make keys, values, headers, partitions and timestamps', async () => {
  const [entry] = await entriesOf('{"a":"ä","n":3,"at":"2026-03-02T05:30:00Z","deep":{"x":[1,{"y":true}]}}', {
    format: 'json',
    key: new Template('{a}-{deep.x.1.y}-{{}}', '--key'),
    value: new Template('{deep}', '--value'),
    partition: new Template('{n}', '--partition'),
    timestamp: new Template('{at}', '--timestamp'),
    headers: [['trace', new Template('t{n}', '--header')]],
  });
  expect(entry!.record).toEqual({
    key: 'ä-true-{}',
    value: '{"x":[1,{"y":true}]}',
    partition: 3,
    timestampMs: Date.UTC(2026, 2, 2, 5, 30),
    headers: [['trace', 't3']],
  });
});

test.each([
  ['{"p":-1}', 'is not a partition'],
  ['{"p":1.5}', 'is not a partition'],
  ['{"p":""}', 'is not a partition'],
  ['{"p":null}', 'is not a partition'],
])('partition %s is refused', async (line, reason) => {
  const [entry] = await entriesOf(line, { format: 'json', partition: new Template('{p}', '--partition') });
  expect(entry!.fault).toContain(reason);
});

test.each(['"soon"', '1.5', '-3', '""', 'null', '"2026-03-02T05:30:00"', '99999999999999999999'])(
  'timestamp %s is refused',
  async (at) => {
    const [entry] = await entriesOf(`{"t":${at}}`, { format: 'json', timestamp: new Template('{t}', '--timestamp') });
    expect(entry!.fault).toContain('is not a timestamp');
  },
);

test('a template with a lone brace is a usage error that shows how to write one', () => {
  for (const source of ['{', 'a}', '{}', '{a']) {
    expect(() => new Template(source, '--key')).toThrow(expect.objectContaining({ exitCode: 2 }));
  }
});

test('a key separator cuts at its first place, and a line without it is a fault', async () => {
  expect((await entriesOf('k::v::w\n::\nnone\n', { keySeparator: '::' })).map(brief)).toEqual([
    [1, 'k', 'v::w'],
    [2, '', ''],
    '3! there is no key separator "::"',
  ]);
});

test('the null marker makes a tombstone of a value that equals it, and of no other', async () => {
  const entries = await entriesOf('k=NULL\nk=NULL!\n', { keySeparator: '=', nullValue: 'NULL' });
  expect(entries.map((entry) => text(entry.record!.value))).toEqual([null, 'NULL!']);
});

test('CSV rows become JSON objects by their column names, whatever the chunks', async () => {
  const input = 'id,name,note\r\n1,"Łódź, ""west""","two\nlines"\r\n2,x\r\n3,y,"open" no\n4,z,\n';
  for (const size of [1, 2, 5, 1000]) {
    expect((await entriesOf(input, { format: 'csv', key: 'id' }, size)).map(brief)).toEqual([
      [2, '1', '{"id":"1","name":"Łódź, \\"west\\"","note":"two\\nlines"}'],
      '4! it has 2 fields where there are 3 columns',
      '5! text follows a closing quote',
      [6, '4', '{"id":"4","name":"z","note":""}'],
    ]);
  }
});

test('a quoted CSV field that never ends is a fault of the line it starts on', () => {
  const reader = new CsvReader(';', 1000);
  const rows: CsvRow[] = reader.read('a;b\n1;"x\ny');
  expect(rows.map((row) => row.fields)).toEqual([['a', 'b']]);
  expect(reader.end()).toMatchObject({ line: 2, fault: 'a quoted field does not end' });
});

test('length-prefixed blocks come out the same however the input is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.uint8Array({ maxLength: 40 }))),
      fc.integer({ min: 1, max: 17 }),
      (blocks, size) => {
        const bytes = Buffer.concat(
          blocks.flatMap((block) => {
            const length = Buffer.alloc(4);
            length.writeInt32BE(block === null ? -1 : block.length);
            return block === null ? [length] : [length, block];
          }),
        );
        const reader = new LengthPrefixedReader(1000);
        const found: (Uint8Array | null)[] = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...reader.read(bytes.subarray(at, at + size)));
        reader.end();
        expect(found.map((block) => block && [...block])).toEqual(blocks.map((block) => block && [...block]));
      },
    ),
  );
});

test('a length that cannot be right is named by its byte, and nothing is made up behind it', () => {
  const reader = new LengthPrefixedReader(100);
  expect(reader.read(Buffer.from([0, 0, 0, 1, 65, 0x7f, 0, 0, 0]))).toEqual([Buffer.from('A')]);
  expect(reader.failure?.message).toMatch(/^Byte 5: 2130706432 is not a length/);
  expect(reader.read(Buffer.from([0, 0, 0, 0]))).toEqual([]);
  expect(() => reader.end()).toThrow(/^Byte 5/);
});

test('an input that ends within a block says where the block starts', () => {
  const reader = new LengthPrefixedReader(100);
  reader.read(Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 1]));
  expect(() => reader.end()).toThrow(/starts at byte 4/);
});

test('pairs of blocks are key and value, and null stays null', async () => {
  const bytes = Buffer.from([0, 0, 0, 1, 107, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 1, 120]);
  expect((await entriesOf(bytes, { format: 'binary-pairs' }, 3)).map(brief)).toEqual([
    [1, 'k', null],
    [2, null, ''],
    '3! the last key has no value',
  ]);
});

test.each([
  ['lines', 'whole\ntor'],
  ['json', '{"a":1}\n{"a":'],
  ['csv', 'id\n1\n2'],
  ['binary', '\0\0\0\u0002ab\0\0\0\u0002a'],
  ['binary-pairs', '\0\0\0\u0001a\0\0\0\u0001b\0\0\0\u0001c'],
] as const)('%s: an input that is cut off ends before the record it tore', async (format, input) => {
  const interrupt = new AbortController();
  async function* torn() {
    yield Buffer.from(input);
    interrupt.abort();
  }
  const all: Entry[] = [];
  for await (const entries of readEntries(torn(), { ...shape, format }, interrupt.signal)) all.push(...entries);
  expect(all.map((entry) => entry.fault)).toEqual([null]);
});
