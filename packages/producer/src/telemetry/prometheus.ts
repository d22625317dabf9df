import { describeMetrics, type MetricDescription, type MetricsSnapshot, type MetricValues } from './snapshot.ts';

interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: MetricValues;
}

/**
 * Snapshots as Prometheus reads them (text format 0.0.4), one producer or several. The names are those that its JMX
 * exporter gives Java's producers, such as `kafka_producer_producer_metrics_record_send_rate{client_id="…"}`.
 */
export function prometheusText(snapshots: MetricsSnapshot | readonly MetricsSnapshot[]): string {
  const all = distinct(Array.isArray(snapshots) ? snapshots : [snapshots as MetricsSnapshot]);
  const lines: Record<MetricDescription['group'], Line[]> = {
    'producer-metrics': all.map(({ clientId, client }) => ({ labels: { client_id: clientId }, values: client })),
    'producer-node-metrics': all.flatMap(({ clientId, nodes }) =>
      Object.entries(nodes).map(([node, values]) => ({
        labels: { client_id: clientId, node_id: `node-${node}` },
        values,
      })),
    ),
    'producer-topic-metrics': all.flatMap(({ clientId, topics }) =>
      Object.entries(topics).map(([topic, values]) => ({ labels: { client_id: clientId, topic }, values })),
    ),
  };
  let text = '';
  for (const metric of describeMetrics()) text += family(metric, lines[metric.group]);
  return text;
}

/** Two producers of one name would be one series twice, which Prometheus refuses: the later ones are told apart. */
function distinct(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot[] {
  const taken = new Set<string>();
  return snapshots.map((snapshot) => {
    let { clientId } = snapshot;
    for (let serial = 2; taken.has(clientId); serial++) clientId = `${snapshot.clientId}-${serial}`;
    taken.add(clientId);
    return { ...snapshot, clientId };
  });
}

function family(metric: MetricDescription, lines: readonly Line[]): string {
  if (lines.length === 0) return '';
  const name = `kafka_producer_${metric.group}_${metric.name}`.replaceAll('-', '_');
  let text = `# HELP ${name} ${escapeHelp(metric.help)}\n# TYPE ${name} ${metric.kind}\n`;
  for (const { labels, values } of lines) {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
    text += `${name}{${pairs.join(',')}} ${number(values[metric.name]!)}\n`;
  }
  return text;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
