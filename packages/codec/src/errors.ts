/**
 * What every error of this library has. Match on `code`: it never changes once released, while texts do.
 * `instanceof` is a convenience that fails across two copies of the package.
 */
export class KafkaError extends Error {
  override readonly name: string = 'KafkaError';
  readonly code: string;
  /** True when the same call may succeed later, unchanged. */
  readonly retriable: boolean;

  constructor(code: string, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** Where in a message, and where in the bytes, something was found wrong. */
export interface CodecErrorPlace {
  /** Kafka's name of the message, `ProduceRequest`; absent when the fault lies outside any message. */
  readonly messageName?: string | undefined;
  readonly version?: number | undefined;
  /** `topicData[3].name`; empty for the message as a whole. */
  readonly path?: string | undefined;
  /** Position in the bytes that were read; absent when encoding. */
  readonly offset?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Bytes that are no such message, or a value that cannot become one.
 *
 * Codes of messages and frames:
 * `TRUNCATED` the bytes end inside a value, `TRAILING_BYTES` they go on after it,
 * `UNSUPPORTED_VERSION` the message has no such version, `UNKNOWN_API` no message has this key or name,
 * `NOT_IN_VERSION` a field is set that this version cannot carry, `UNKNOWN_FIELD` a name that no version has, `MISSING_FIELD` a field without default is absent,
 * `NOT_NULLABLE` null where this version has none, `WRONG_TYPE` and `OUT_OF_RANGE` a value its wire type cannot hold,
 * `TOO_LONG` text or bytes over their length type, `LONE_SURROGATE` and `MALFORMED_UTF8` text that is none,
 * `MALFORMED_VARINT`, `INVALID_LENGTH`, `INVALID_TAG`, `LIMIT_EXCEEDED` more elements than the reader admits,
 * `FRAME_SIZE` a size no frame has, `INVALID_JSON` a JSON form that is not of this message.
 */
export class CodecError extends KafkaError {
  override readonly name = 'CodecError';
  /** What is wrong, without the place. */
  readonly problem: string;
  readonly messageName: string | undefined;
  readonly version: number | undefined;
  readonly path: string;
  readonly offset: number | undefined;

  constructor(code: string, problem: string, place: CodecErrorPlace = {}) {
    super(code, describe(problem, place), { cause: place.cause });
    this.problem = problem;
    this.messageName = place.messageName;
    this.version = place.version;
    this.path = place.path ?? '';
    this.offset = place.offset;
  }

  /** The same fault with more said about its place. */
  placed(place: CodecErrorPlace): CodecError {
    const { messageName, version, path, offset, cause } = this;
    return new CodecError(this.code, this.problem, { messageName, version, path, offset, cause, ...place });
  }
}

function describe(problem: string, place: CodecErrorPlace): string {
  const { messageName, version, path, offset } = place;
  const message = messageName === undefined ? '' : version === undefined ? messageName : `${messageName} v${version}`;
  const where = [message, path].filter(Boolean).join(', ');
  const at = offset === undefined ? '' : ` (at byte ${offset})`;
  return where === '' ? `${problem}${at}` : `${where}: ${problem}${at}`;
}

/** A value shown short enough for an error text: its type, and itself where that helps. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'string':
      return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
    case 'number':
      return `the number ${value}`;
    case 'bigint':
      return `the bigint ${value}n`;
    case 'boolean':
      return `the boolean ${value}`;
    case 'object': {
      const name = (value as object).constructor?.name;
      return typeof name === 'string' && name !== 'Object' ? `a value of type ${name}` : 'an object';
    }
    default:
      return `a ${typeof value}`;
  }
}
