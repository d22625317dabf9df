/**
 * The records that every peer sends in a circle: made from a fixed seed, so that all of them send the same bytes and
 * nobody pays for making them up while measured.
 */

/** @typedef {{ key: Buffer | null, value: Buffer }} BenchRecord */

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .';

/** xorshift32: enough for data that must only look unlike. */
function randomNumbers(seed) {
  let state = seed | 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function text(random, length) {
  let out = '';
  while (out.length < length) out += letters[random(letters.length)];
  return out;
}

function hex(random, length) {
  let out = '';
  while (out.length < length) out += random(16).toString(16);
  return out;
}

const events = ['order.created', 'order.updated', 'order.paid', 'order.shipped', 'order.cancelled'];
const currencies = ['EUR', 'USD', 'GBP'];
const regions = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-south-1'];

/** A JSON event of about 195 bytes under a key of 12. */
function jsonEvent(random, number) {
  const customer = `cus_${hex(random, 8)}`;
  const value = {
    id: `evt_${1_000_000 + number}`,
    type: events[random(events.length)],
    ts: new Date(1_795_600_000_000 + number * 37).toISOString(),
    customerId: customer,
    amount: random(500_000) / 100,
    currency: currencies[random(currencies.length)],
    items: 1 + random(6),
    region: regions[random(regions.length)],
    trace: hex(random, 16),
  };
  return { key: Buffer.from(customer), value: Buffer.from(JSON.stringify(value)) };
}

/** @returns {BenchRecord[]} */
export function makeRecords(kind) {
  const random = randomNumbers(0x6b69_656c);
  if (kind === 'json') return Array.from({ length: 20_000 }, (_, i) => jsonEvent(random, i));
  const bytes = Number(kind);
  const count = Math.max(20, Math.min(10_000, Math.floor(4e6 / bytes)));
  return Array.from({ length: count }, () => ({ key: null, value: Buffer.from(text(random, bytes)) }));
}

/** The same for clients in other languages: key length, key, value length, value; lengths in 4 bytes, big-endian. */
export function recordsFile(kind) {
  const parts = [];
  for (const { key, value } of makeRecords(kind)) {
    for (const field of [key ?? Buffer.alloc(0), value]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      parts.push(length, field);
    }
  }
  return Buffer.concat(parts);
}
