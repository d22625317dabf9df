/** Workload A in a process of its own, with and without what is always counted: `node telemetry.mjs MODE BROKER COUNT`. */
import { connect } from '../peers/kiel.mjs';
import { makeRecords } from './records.mjs';
import { measuring } from './slices.mjs';

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
const measured = measuring(client, makeRecords('100'));
await measured(Math.floor(count / 3));
const result = await measured(count);
await client.close();
console.log(JSON.stringify(result));
process.exit(0);
