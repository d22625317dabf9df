import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c, RecordBatchBuilder, readBatches } from '@kiel/codec';
import { ProducerSnapshot } from '@kiel/codec/internal-topics';
import { afterAll, describe, expect, test } from 'vitest';
import { runKiel } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-side-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  mkdirSync(join(folder, 'orders-0'), { recursive: true });
  const path = join(folder, 'orders-0', name);
  writeFileSync(path, bytes);
  return path;
}

const objects = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function aborted(producerId: number, first: number, last: number, stable: number, version = 0): Buffer {
  const bytes = Buffer.alloc(34);
  bytes.writeInt16BE(version);
  for (const [i, value] of [producerId, first, last, stable].entries()) bytes.writeBigInt64BE(BigInt(value), 2 + i * 8);
  return bytes;
}

const state = {
  producerId: 7n,
  epoch: 2,
  lastSequence: 4,
  lastOffset: 90n,
  offsetDelta: 9,
  timestamp: 1_700_000_000_000n,
  coordinatorEpoch: -1,
  currentTxnFirstOffset: 81n,
};

function snapshot(...producerEntries: (typeof state)[]): Buffer {
  const body = ProducerSnapshot.encode({ crc: 0, producerEntries }, 1);
  const bytes = Buffer.alloc(2 + body.length);
  bytes.writeInt16BE(1);
  bytes.set(body, 2);
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)) >>> 0, 2);
  return bytes;
}

describe('a transaction index', () => {
  test('shows the aborted transactions by the names of Java’s dumper', async () => {
    const path = file('00000000000000000000.txnindex', Buffer.concat([aborted(7, 10, 15, 16), aborted(9, 12, 20, 21)]));
    const text = await runKiel(['decode', path]);
    expect(text.stdout.split('\n').slice(0, 3)).toEqual([
      'producer 7  aborted 10…15  last stable offset 16',
      'producer 9  aborted 12…20  last stable offset 21',
      '2 entries',
    ]);
    const { code, stdout } = await runKiel(['decode', '--json', path]);
    expect(code).toBe(0);
    expect(objects(stdout)[1]).toEqual({
      version: 0,
      producerId: 9,
      firstOffset: 12,
      lastOffset: 20,
      lastStableOffset: 21,
    });
  });

  test('each way it can be wrong is named with its byte', async () => {
    const faultsOf = async (...parts: Uint8Array[]) => {
      const { code, stdout } = await runKiel(['decode', '--json', file('1.txnindex', Buffer.concat(parts))]);
      expect(code).toBe(1);
      return objects(stdout).flatMap(({ position, damage }) =>
        damage === undefined ? [] : [`${position}: ${damage}`],
      );
    };
    const good = aborted(7, 10, 15, 16);
    expect(await faultsOf(good, good.subarray(0, 9))).toEqual(['34: 9 bytes at the end are no whole entry of 34']);
    expect(await faultsOf(aborted(7, 10, 15, 16, 3))).toEqual(['0: entry 0 has version 3, and only 0 is known']);
    expect(await faultsOf(aborted(7, 16, 15, 16))).toEqual(['10: entry 0 ends at 15, and begins at 16']);
    expect(await faultsOf(good, good)).toEqual(['52: entry 1 (to 15) does not come after the one before it']);
    expect(await faultsOf(aborted(7, 10, 15, -1))).toEqual(['26: entry 0 has a last stable offset of -1']);
  });

  /** A transaction of one record at offset 5, aborted at offset 6. */
  function abortedLog(): Buffer {
    const data = new RecordBatchBuilder({ limitBytes: 1000 });
    data.tryAppend(1, null, 'x');
    const marker = new RecordBatchBuilder({ limitBytes: 1000 });
    marker.tryAppend(2, new Uint8Array(4), new Uint8Array(6));
    const batches = [
      data.seal({ producerId: 7n, producerEpoch: 0, baseSequence: 0 }),
      marker.seal({ producerId: 7n, producerEpoch: 0, baseSequence: -1 }),
    ].map((bytes, i) => {
      const batch = Buffer.from(bytes);
      batch.writeBigInt64BE(BigInt(5 + i));
      // Both transactional, the second a control batch.
      batch.writeInt16BE(i === 0 ? 0x10 : 0x30, 21);
      batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17);
      return batch;
    });
    return Buffer.concat(batches);
  }

  test('is checked against the log beside it', async () => {
    const log = abortedLog();
    expect([...readBatches(log)].map(({ isControl }) => isControl)).toEqual([false, true]);
    const path = file('00000000000000000005.log', log);
    const endOf = async (...entries: Uint8Array[]) => {
      file('00000000000000000005.txnindex', Buffer.concat(entries));
      return (await runKiel(['decode', path])).stdout.split('\n').slice(2).join('\n');
    };
    expect(await endOf(aborted(7, 5, 6, 7))).toContain('2 batches, 2 records, 0 faults; .txnindex checked');
    expect(await endOf()).toContain('.txnindex, byte 0: no entry for producer 7, aborted at offset 6');
    expect(await endOf(aborted(7, 4, 6, 7))).toContain(
      '.txnindex, byte 10: entry 0 begins at 4; the transaction in the log at 5',
    );
    expect(await endOf(aborted(7, 5, 6, 7), aborted(7, 8, 9, 10))).toContain(
      '.txnindex, byte 34: entry 1: the log has no abort of producer 7 at offset 9',
    );
  });
});

describe('a snapshot of producer states', () => {
  test('shows each producer by the names of Java’s dumper', async () => {
    const path = file('00000000000000000091.snapshot', snapshot(state));
    const { code, stdout } = await runKiel(['decode', path]);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe(
      'producer 7 epoch 2  sequences 2147483643…4  last offset 90  2023-11-14 22:13:20.000  transaction open since offset 81',
    );
    expect(objects((await runKiel(['decode', '--json', path])).stdout)).toEqual([
      {
        producerId: 7,
        producerEpoch: 2,
        coordinatorEpoch: -1,
        currentTxnFirstOffset: 81,
        lastTimestamp: 1_700_000_000_000,
        firstSequence: 2_147_483_643,
        lastSequence: 4,
        lastOffset: 90,
        offsetDelta: 9,
      },
    ]);
  });

  test('a time that no calendar has is shown as its number', async () => {
    const path = file('5.snapshot', snapshot({ ...state, timestamp: 2n ** 62n }));
    expect(await runKiel(['decode', path])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('4611686018427388000 ms'),
    });
  });

  test('a flipped bit, a cut and a version of a later Kafka are damage at their byte', async () => {
    const good = snapshot(state);
    const flipped = Buffer.from(good);
    flipped[20]! ^= 1;
    const text = (await runKiel(['decode', file('1.snapshot', flipped)])).stdout;
    expect(text).toMatch(/byte 2: the checksum is 0x[0-9a-f]{8}, the bytes give 0x[0-9a-f]{8}\n {4}00000000 {2}00 01 /);
    const cut = await runKiel(['decode', '--json', file('2.snapshot', good.subarray(0, 30))]);
    expect(cut.code).toBe(1);
    expect(objects(cut.stdout).map(({ position }) => position)).toEqual([2, expect.any(Number)]);
    const later = Buffer.from(good);
    later[1] = 9;
    expect((await runKiel(['decode', file('3.snapshot', later)])).stdout).toContain('byte 0: a snapshot of version 9');
    expect((await runKiel(['decode', file('4.snapshot', good.subarray(0, 3))])).stdout).toContain(
      'byte 3: 3 bytes are no producer snapshot',
    );
  });
});

describe('a checkpoint', () => {
  test('of leader epochs, of offsets, and of the topic’s id', async () => {
    const epochs = await runKiel(['decode', file('leader-epoch-checkpoint', '0\n2\n0 0\n3 120\n')]);
    expect(epochs.stdout).toBe('leader epoch 0  from offset 0\nleader epoch 3  from offset 120\n2 entries\n');
    const offsets = await runKiel(['decode', '--json', file('replication-offset-checkpoint', '0\n1\norders 3 77\n')]);
    expect(objects(offsets.stdout)).toEqual([{ topic: 'orders', partition: 3, offset: 77 }]);
    const id = '11LKjSpTQzS4NBt3XScwpA';
    const metadata = await runKiel(['decode', file('partition.metadata', `version: 0\ntopic_id: ${id}`)]);
    expect([metadata.code, metadata.stdout]).toEqual([0, `topic id ${id}\n1 entry\n`]);
    const piped = await runKiel(['decode', '--as', 'checkpoint'], { input: '0\n1\n4 9\n' });
    expect(piped.stdout).toContain('leader epoch 4  from offset 9');
  });

  test('each way it can be wrong is named with its byte', async () => {
    const faultOf = async (name: string, text: string) => {
      const { code, stdout } = await runKiel(['decode', '--json', file(name, text)]);
      expect(code).toBe(1);
      const { position, damage } = objects(stdout).at(-1)!;
      return `${position}: ${damage}`;
    };
    const epochs = (text: string) => faultOf('leader-epoch-checkpoint', text);
    expect(await epochs('7\n')).toBe('0: it has no version and count in its first lines');
    expect(await epochs('7\n0\n')).toBe('0: a checkpoint of version "7", and only 0 is known');
    expect(await epochs('0\nmany\n')).toBe('2: a count of "many"');
    expect(await epochs('0\n3\n0 0\n')).toBe('2: it says 3 entries and has 1');
    expect(await epochs('0\n1\n0 zero\n')).toBe('4: "0 zero" is not: epoch, start offset');
    expect(await epochs('0\n2\n5 10\n4 20\n')).toBe('9: epoch 4 from offset 20 does not come after the one before it');
    expect(await faultOf('partition.metadata', 'version: 0\ntopic_id: short')).toBe(
      '11: its second line is not: topic_id: UUID',
    );
    expect(await faultOf('partition.metadata', 'topic')).toBe('0: its first line is not: version: NUMBER');
  });
});

test('an index of which the last entry is cut says so', async () => {
  const { code, stdout } = await runKiel([
    'decode',
    file('00000000000000000000.index', Buffer.from([0, 0, 0, 5, 0, 0, 1, 0, 9])),
  ]);
  expect([code, stdout.split('\n')[1]]).toEqual([1, 'byte 8: 1 bytes at the end are no whole entry of 8']);
});
