import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** One value of one version of a message, as the Java classes have it. */
export interface Vector {
  /** The release whose classes made it. */
  readonly kafka: string;
  readonly version: number;
  readonly case: string;
  readonly bytes: Uint8Array;
  readonly json: JsonObject;
  /** What Java's JSON leaves out because it has its default, by path. */
  readonly omitted?: JsonObject;
}

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** `npm run golden -- --seed N` makes others; this variable names their folder. */
const folder = process.env['KIEL_GOLDEN_DIR'] ?? fileURLToPath(new URL('vectors', import.meta.url));

/** Fields that had other names in the older release's JSON; the codec has the newest ones. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ListClientMetricsResourcesResponse: { clientMetricsResources: 'configResources', name: 'resourceName' },
};

export type Kind = 'messages' | 'internal';

/** The names of the messages that have vectors. */
export function vectorNames(kind: Kind): string[] {
  if (!existsSync(join(folder, kind))) throw new Error(`no golden vectors in ${folder}: npm run golden`);
  return readdirSync(join(folder, kind))
    .filter((file) => file.endsWith('.ndjson.gz'))
    .map((file) => file.slice(0, -'.ndjson.gz'.length))
    .sort();
}

export function readVectors(kind: Kind, name: string): Vector[] {
  const text = gunzipSync(readFileSync(join(folder, kind, `${name}.ndjson.gz`))).toString('utf8');
  const names = renamed[name] ?? {};
  const withNewNames = (_: string, node: unknown) =>
    typeof node === 'object' && node !== null && !Array.isArray(node)
      ? Object.fromEntries(Object.entries(node).map(([key, value]) => [names[key] ?? key, value]))
      : node;
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const vector = JSON.parse(line, name in renamed ? withNewNames : undefined) as Omit<Vector, 'bytes'> & {
        bytes: string;
      };
      return { ...vector, bytes: new Uint8Array(Buffer.from(vector.bytes, 'base64')) };
    });
}
