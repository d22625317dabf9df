import type { Point } from './points.ts';
import { ProtobufWriter } from './protobuf.ts';

export interface PayloadOptions {
  /** Of the client: its rack, its transactional id. */
  readonly labels: Readonly<Record<string, string>>;
  /** Counters tell what was added since the start of the interval, rather than since the producer began. */
  readonly isDelta: boolean;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly nowMs: number;
  readonly softwareVersion: string;
}

// Numbers of OpenTelemetry's metrics.proto.
const isDelta = 1;
const isCumulative = 2;

/** Points as a MetricsData message of OTLP. */
export function encodeMetrics(points: readonly Point[], options: PayloadOptions): Uint8Array {
  const byName = Map.groupBy(points, ({ name }) => name);
  const data = new ProtobufWriter();
  data.message(1, (resourceMetrics) => {
    resourceMetrics.message(1, (resource) => {
      for (const [key, value] of Object.entries(options.labels)) writeAttribute(resource, 1, key, value);
    });
    resourceMetrics.message(2, (scopeMetrics) => {
      scopeMetrics.message(1, (scope) => {
        scope.string(1, '@kiel/producer');
        scope.string(2, options.softwareVersion);
      });
      for (const [name, group] of byName) {
        scopeMetrics.message(2, (metric) => writeMetric(metric, name, group, options));
      }
    });
  });
  return data.bytes;
}

function writeMetric(metric: ProtobufWriter, name: string, points: readonly Point[], options: PayloadOptions): void {
  metric.string(1, name);
  const { isCounter } = points[0]!;
  metric.message(isCounter ? 7 : 5, (data) => {
    for (const point of points) data.message(1, (writer) => writePoint(writer, point, options));
    if (!isCounter) return;
    data.varint(2, options.isDelta ? isDelta : isCumulative);
    data.varint(3, 1);
  });
}

function writePoint(writer: ProtobufWriter, point: Point, options: PayloadOptions): void {
  if (point.isCounter) writer.fixed64(2, nanoseconds(options.startMs));
  writer.fixed64(3, nanoseconds(options.nowMs));
  writer.double(4, point.value);
  for (const [key, value] of Object.entries(point.attributes)) writeAttribute(writer, 7, key, value);
}

function writeAttribute(writer: ProtobufWriter, field: number, key: string, value: string): void {
  writer.message(field, (pair) => {
    pair.string(1, key);
    pair.message(2, (any) => any.string(1, value));
  });
}

function nanoseconds(epochMs: number): bigint {
  return BigInt(Math.round(epochMs)) * 1_000_000n;
}
