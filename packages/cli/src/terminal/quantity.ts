const grouped = new Intl.NumberFormat('en-US');

/** 1234567 → "1,234,567". */
export function count(value: number | bigint): string {
  return grouped.format(value);
}

/** "1 record", "2 records". */
export function plural(value: number | bigint, noun: string): string {
  return `${count(value)} ${noun}${BigInt(value) === 1n ? '' : 's'}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes in the unit that leaves one to four digits before the point. */
export function bytes(value: number): string {
  let amount = Math.round(value);
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? amount : amount.toFixed(amount < 10 ? 2 : 1)} ${units[unit]}`;
}

/** A length of time a person can read at a glance. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A limit of time in seconds, to a tenth: "3 s". */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
