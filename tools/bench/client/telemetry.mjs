/** Workload A in a process of its own, with and without what is always counted: `node telemetry.mjs MODE BROKER COUNT`. */
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';

const dist = (file) => import(new URL(`../../../packages/producer/dist/${file}`, import.meta.url).href);

/** What is done before anything is sent. */
const modes = {
  /** Not even counted. */
  async bare() {
    const { Telemetry } = await dist('telemetry/telemetry.js');
    const { NodeMeters } = await dist('telemetry/meters.js');
    for (const name of ['shipped', 'produced', 'delivered', 'returned']) Telemetry.prototype[name] = () => {};
    for (const name of ['sent', 'received', 'answered', 'produced']) NodeMeters.prototype[name] = () => {};
  },
  async counted() {},
};

const [mode, broker, countText] = process.argv.slice(2);
const count = Number(countText);
const client = await connect({ broker, topic: 'bench', compression: 'none' });
await modes[mode]();
const records = makeRecords('100');
const send = async (n) => {
  for (let i = 0; i < n; i++) {
    client.queue(records[i % records.length]);
    if ((i & 255) === 255) await client.ready();
  }
  await client.flush();
};
await send(Math.floor(count / 3));
const cpuBefore = process.cpuUsage();
const start = process.hrtime.bigint();
await send(count);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cpu = process.cpuUsage(cpuBefore);
await client.close();
console.log(JSON.stringify({ cpuMicros: (cpu.user + cpu.system) / count, recordsPerSecond: count / seconds }));
process.exit(0);
