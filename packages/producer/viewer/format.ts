const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** 1,234,567 → 1.23 M. */
export function amount(value: number): string {
  if (value < 10_000) return whole.format(Math.round(value));
  if (value < 1e6) return `${short.format(value / 1e3)} k`;
  return value < 1e9 ? `${short.format(value / 1e6)} M` : `${short.format(value / 1e9)} G`;
}

export function count(value: number): string {
  return whole.format(value);
}

export function bytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} B`;
  if (value < 1e6) return `${short.format(value / 1024)} KiB`;
  return value < 1e9 ? `${short.format(value / 1_048_576)} MiB` : `${short.format(value / 1_073_741_824)} GiB`;
}

export function duration(ms: number): string {
  if (ms < 10) return `${short.format(ms)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${short.format(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Where an axis ends: 1, 2 or 5 times a power of ten, of the largest power of `unit` below. So bytes end at 512 KiB where
 * 500,000 would be 488 KiB.
 */
export function roundCeiling(value: number, unit = 1): number {
  let base = 1;
  while (unit > 1 && value > base * unit) base *= unit;
  const power = 10 ** Math.floor(Math.log10(value / base));
  const step = [1, 2, 5, 10].find((each) => value <= each * power * base * 1.0001)!;
  // What would be 1000 KiB is the next unit already.
  return (unit > 1 && step * power >= 1000 ? unit : step * power) * base;
}

/** Two of them, with their unit once where it is the same. */
export function durations(first: number, second: number): string {
  const [a, b] = [duration(first), duration(second)];
  return a.endsWith(' ms') && b.endsWith(' ms') ? `${a.slice(0, -3)} / ${b}` : `${a} / ${b}`;
}

/** A long name with its middle left out: its end tells it apart more often than not. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const kept = most - 1;
  return `${name.slice(0, Math.ceil(kept / 2))}…${name.slice(name.length - Math.floor(kept / 2))}`;
}

/** The wall clock, with milliseconds. */
export function clock(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
