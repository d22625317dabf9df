import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

export interface OtlpPoint {
  readonly name: string;
  readonly kind: 'gauge' | 'sum';
  readonly temporality: string | undefined;
  readonly isMonotonic: boolean;
  readonly startMs: number;
  readonly timeMs: number;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

interface Data {
  readonly dataPoints?: readonly {
    readonly startTimeUnixNano?: string;
    readonly timeUnixNano: string;
    readonly asDouble: number;
    readonly attributes?: readonly KeyValue[];
  }[];
  readonly aggregationTemporality?: string;
  readonly isMonotonic?: boolean;
}

interface MetricsData {
  readonly resourceMetrics: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope?: { readonly name: string; readonly version: string };
      readonly metrics: readonly { readonly name: string; readonly gauge?: Data; readonly sum?: Data }[];
    }[];
  }[];
}

// Written down by tools/telemetry from the classes by which Java's clients write them.
const descriptors = readFileSync(new URL('otlp-descriptors.txt', import.meta.url), 'utf8');
const files = fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, 'base64'));
for (const { messageType } of files.file) for (const each of messageType) nameInJson(each);
const registry = createFileRegistry(files);
const schema = registry.getMessage('opentelemetry.proto.metrics.v1.MetricsData')!;

/** Reads an OTLP MetricsData message with a published protobuf library; unknown fields are an error. */
export function readOtlp(bytes: Uint8Array): { labels: Record<string, string>; scope: string; points: OtlpPoint[] } {
  const message = fromBinary(schema, bytes);
  const known = toBinary(schema, message, { writeUnknownFields: false });
  if (known.length !== bytes.length) throw new Error('there are fields that nobody knows');
  const data = toJson(schema, message, { registry }) as unknown as MetricsData;
  const [resource] = data.resourceMetrics;
  const [scope] = resource!.scopeMetrics;
  return {
    labels: pairs(resource!.resource?.attributes),
    scope: scope!.scope?.name ?? '',
    points: scope!.metrics.flatMap(({ name, gauge, sum }) => pointsOf(name, gauge, sum)),
  };
}

/** Compilers that write descriptors for others to read add these names; those in a jar are without. */
function nameInJson(message: DescriptorProto): void {
  for (const field of message.field) {
    field.jsonName = field.name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  }
  for (const nested of message.nestedType) nameInJson(nested);
}

function pointsOf(name: string, gauge: Data | undefined, sum: Data | undefined): OtlpPoint[] {
  const data = gauge ?? sum!;
  return (data.dataPoints ?? []).map((point) => ({
    name,
    kind: gauge === undefined ? 'sum' : 'gauge',
    temporality: data.aggregationTemporality,
    isMonotonic: data.isMonotonic === true,
    startMs: milliseconds(point.startTimeUnixNano),
    timeMs: milliseconds(point.timeUnixNano),
    value: point.asDouble,
    attributes: pairs(point.attributes),
  }));
}

function milliseconds(nanoseconds = '0'): number {
  return Number(BigInt(nanoseconds) / 1_000_000n);
}

function pairs(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}
