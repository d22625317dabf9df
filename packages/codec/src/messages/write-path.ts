import { Writer } from '../wire/writer.ts';

/** What a write was looking at when it failed. */
export interface Failure {
  readonly path: string;
  readonly value: unknown;
}

/**
 * Finds the field on which a write fails by repeating it with a value that reports every look into it. So the
 * straight path pays nothing for the path in its errors.
 */
export function pathOfFailure<Input>(write: (w: Writer, value: Input) => void, value: Input): Failure {
  let last: Failure = { path: '', value };

  const trace = <T>(target: T, base: string): T => {
    if (!isPlain(target)) return target;
    // A stand-in, since a proxy of a frozen object may not answer with proxies.
    return new Proxy((Array.isArray(target) ? [] : {}) as T & object, {
      get(_standIn, key) {
        const found: unknown = Reflect.get(target, key);
        // The error text asks for the constructor to name a wrong type.
        if (typeof key === 'symbol' || key === 'constructor' || (key === 'length' && Array.isArray(target)))
          return found;
        const path = Array.isArray(target) ? `${base}[${key}]` : base === '' ? key : `${base}.${key}`;
        last = { path, value: found };
        return trace(found, path);
      },
    });
  };

  try {
    write(new Writer(256, 0), trace(value, ''));
    return { path: '', value };
  } catch {
    return last;
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof Date);
}
