import { unknownName } from './nearest-name.ts';

const ofProduce: ReadonlySet<string> = new Set(['key', 'partition', 'headers', 'timestampMs', 'signal']);
const ofFlush: ReadonlySet<string> = new Set(['signal']);
const ofClose: ReadonlySet<string> = new Set(['timeoutMs', 'signal']);

/** @throws TypeError for an option that does not exist, with the nearest right name. */
export function checkProduceOptions(topic: string, options: object): void {
  for (const name in options) if (!ofProduce.has(name)) refuse(`produce to "${topic}"`, name, ofProduce);
}

/** @throws TypeError for an option that does not exist. */
export function checkFlushOptions(options: object): void {
  for (const name in options) if (!ofFlush.has(name)) refuse('flush', name, ofFlush);
}

/** @throws TypeError for an option that does not exist, with the nearest right name. */
export function checkCloseOptions(options: object): void {
  for (const name in options) if (!ofClose.has(name)) refuse('close', name, ofClose);
}

function refuse(call: string, name: string, known: ReadonlySet<string>): never {
  throw new TypeError(`${call}: option ${unknownName(name, known)}`);
}
