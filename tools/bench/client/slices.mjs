/**
 * Sends records and measures it.
 *
 * @param client - a producer of `../peers/kiel.mjs`.
 * @param records - sent in turn, over and over.
 * @returns sends `n` records, waits until all are delivered, and tells CPU a record and records a second.
 */
export function measuring(client, records) {
  return async (n) => {
    const before = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (let i = 0; i < n; i++) {
      client.queue(records[i % records.length]);
      if ((i & 255) === 255) await client.ready();
    }
    await client.flush();
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(before);
    return { cpuMicros: (user + system) / n, recordsPerSecond: n / seconds };
  };
}

/** Measures both so many times, in turn, so that neither has the better end of a machine that gets faster or slower. */
export async function inTurn(count, without, on) {
  const pairs = [];
  for (let slice = 0; slice < count; slice++) {
    const first = slice % 2 === 0 ? await without() : null;
    const second = await on();
    pairs.push({ without: first ?? (await without()), on: second });
  }
  return pairs;
}
