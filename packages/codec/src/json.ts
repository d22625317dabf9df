import { CodecError, describeValue } from './errors.ts';
import { checkFields } from './messages/check-fields.ts';
import { type Field, fieldsOf, isIn } from './messages/layout.ts';
import { checkVersion, type Message } from './messages/message.ts';

/** What `JSON.stringify` takes and `JSON.parse` gives. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

type JsonObject = { [name: string]: Json };

/**
 * A message as JSON, with the names and forms of Kafka's own tools: UUIDs as their text, bytes and records as
 * base64. It loses nothing, so two things differ from Kafka: an int64 is text, since a JSON number is not exact beyond
 * 2^53, and unknown tagged fields stand under `unknownTaggedFields` where there are any. A float64 that JSON has
 * no number for is the text `NaN`, `Infinity`, `-Infinity` or `-0`.
 *
 * @param value - fields that the version lacks are left out; a name that no version has is an error, `UNKNOWN_FIELD`.
 */
export function toJson<Input>(message: Message<unknown, Input>, value: Input, version: number): Json {
  checkVersion(message, version);
  try {
    const json = structToJson(fieldsOf(message), value, version, '');
    checkFields(message, value);
    return json;
  } catch (error) {
    if (!(error instanceof CodecError) || error.messageName !== undefined) throw error;
    throw error.placed({ messageName: message.name, version });
  }
}

/**
 * Reads what `toJson` gave, or what Kafka's tools print (an int64 may be a number then). Absent fields take their
 * defaults; a name that the version does not have is an error. Throws CodecError, `INVALID_JSON` and the codes of
 * encoding.
 */
export function fromJson<Value>(message: Message<Value, never>, json: Json, version: number): Value {
  checkVersion(message, version);
  try {
    const input = structFromJson(fieldsOf(message), json, version, '');
    // Through the bytes and back: so every value is checked, and what is absent gets its default.
    return message.decode(message.encode(input as never, version), version);
  } catch (error) {
    if (!(error instanceof CodecError) || error.messageName !== undefined) throw error;
    throw error.placed({ messageName: message.name, version });
  }
}

function structToJson(fields: readonly Field[], value: unknown, version: number, path: string): Json {
  if (typeof value !== 'object' || value === null) throw unfit(path, 'an object', value);
  const struct = value as Record<string, unknown>;
  const json: JsonObject = {};
  for (const field of fields) {
    const item = struct[field.name];
    if (item === undefined || !isIn(field.versions, version)) continue;
    json[field.name] = fieldToJson(field, item, version, join(path, field.name));
  }
  const unknown = struct['unknownTaggedFields'];
  if (Array.isArray(unknown) && unknown.length > 0) {
    json['unknownTaggedFields'] = unknown.map(({ tag, data }) => ({ tag, data: toBase64(data) }));
  }
  return json;
}

function fieldToJson(field: Field, value: unknown, version: number, path: string): Json {
  if (value === null) return null;
  if (!field.isArray) return elementToJson(field, value, version, path);
  if (!Array.isArray(value)) throw unfit(path, 'an array', value);
  return value.map((item, i) => elementToJson(field, item, version, `${path}[${i}]`));
}

function elementToJson(field: Field, value: unknown, version: number, path: string): Json {
  switch (field.type) {
    case 'struct':
      return structToJson(field.fields, value, version, path);
    case 'int64':
      if (typeof value !== 'bigint') throw unfit(path, 'a bigint', value);
      return value.toString();
    case 'bytes':
    case 'records':
      if (!(value instanceof Uint8Array)) throw unfit(path, 'a Uint8Array', value);
      return toBase64(value);
    case 'float64':
      if (typeof value !== 'number') throw unfit(path, 'a number', value);
      return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
    default:
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw unfit(path, field.type, value);
      }
      return value;
  }
}

function structFromJson(fields: readonly Field[], json: Json, version: number, path: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unfit(path, 'an object', json);
  const struct: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(json)) {
    if (name === 'unknownTaggedFields') {
      struct[name] = tagsFromJson(item, join(path, name));
      continue;
    }
    const field = fields.find((each) => each.name === name && isIn(each.versions, version));
    if (field === undefined) {
      throw new CodecError('INVALID_JSON', `version ${version} has no field of this name`, { path: join(path, name) });
    }
    struct[name] = fieldFromJson(field, item, version, join(path, name));
  }
  return struct;
}

function tagsFromJson(json: Json, path: string): unknown {
  if (!Array.isArray(json)) throw unfit(path, 'an array', json);
  return json.map((item: Json, i) => {
    const { tag, data } = (item ?? {}) as JsonObject;
    return { tag, data: fromBase64(data, `${path}[${i}].data`) };
  });
}

function fieldFromJson(field: Field, json: Json, version: number, path: string): unknown {
  if (json === null) return null;
  if (!field.isArray) return elementFromJson(field, json, version, path);
  if (!Array.isArray(json)) throw unfit(path, 'an array', json);
  return json.map((item: Json, i) => elementFromJson(field, item, version, `${path}[${i}]`));
}

function elementFromJson(field: Field, json: Json, version: number, path: string): unknown {
  switch (field.type) {
    case 'struct':
      return structFromJson(field.fields, json, version, path);
    case 'int64':
      if (typeof json === 'string' && /^-?\d+$/.test(json)) return BigInt(json);
      if (Number.isSafeInteger(json)) return BigInt(json as number);
      throw unfit(path, 'a whole number, as text beyond 2^53', json);
    case 'bytes':
    case 'records':
      return fromBase64(json, path);
    case 'float64':
      if (typeof json === 'string' && /^(NaN|-?Infinity|-0)$/.test(json)) return Number(json);
      return json;
    default:
      return json;
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function unfit(path: string, wanted: string, value: unknown): CodecError {
  return new CodecError('INVALID_JSON', `needs ${wanted}, not ${describeValue(value)}`, { path });
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // Few enough that a call can take them as arguments.
  for (let at = 0; at < bytes.length; at += 4096) binary += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(binary);
}

function fromBase64(json: Json | undefined, path: string): Uint8Array {
  if (typeof json !== 'string' || json.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(json)) {
    throw unfit(path, 'base64 text', json);
  }
  const binary = atob(json);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
