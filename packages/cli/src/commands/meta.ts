import type { MetadataResponseTopic } from '@kiel/codec';
import { apis } from '@kiel/codec/apis';
import { type ConnectionFlags, connectionFrom, showAddress } from '../config/connection-options.ts';
import { exitCodes, Failure, messageOf } from '../failure.ts';
import { toJson } from '../terminal/json.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { tableLines } from '../terminal/table.ts';
import type { VersionRange } from '../wire/broker-connection.ts';
import { type Broker, ClusterClient, type ClusterPicture } from '../wire/cluster-client.ts';
import { errorText } from '../wire/error-text.ts';

export interface MetaFlags extends ConnectionFlags {
  topic?: string[];
  versions?: boolean;
  internal?: boolean;
  json?: boolean;
  timeout?: number;
}

const DEFAULT_TIMEOUT_S = 10;

export async function meta(flags: MetaFlags, terminal: Terminal): Promise<number> {
  const settings = connectionFrom(flags, terminal.env, (text) => terminal.err.line(text));
  const client = await ClusterClient.connect(settings, 1000 * (flags.timeout ?? DEFAULT_TIMEOUT_S));
  try {
    const picture = await client.picture(flags.topic ?? null);
    const versions = flags.versions === true ? await versionsOf(client, picture.brokers) : null;
    if (flags.json === true) printJson(picture, versions, terminal.out);
    else printText(picture, versions, flags, terminal.out);
    const missing = picture.topics.filter((topic) => topic.errorCode !== 0);
    if (flags.topic !== undefined && missing.length > 0) {
      throw new Failure(missing.map((topic) => `${topic.name}: ${errorText(topic.errorCode)}.`).join(' '), {
        hint: 'kiel meta without -t lists the topics there are.',
      });
    }
    return exitCodes.done;
  } finally {
    client.close();
  }
}

type BrokerVersions = ReadonlyMap<number, ReadonlyMap<number, VersionRange> | string>;

async function versionsOf(client: ClusterClient, brokers: readonly Broker[]): Promise<BrokerVersions> {
  const versions = new Map<number, ReadonlyMap<number, VersionRange> | string>();
  for (const { nodeId } of brokers) {
    try {
      versions.set(nodeId, (await client.connection(nodeId)).versions);
    } catch (error) {
      versions.set(nodeId, messageOf(error));
    }
  }
  return versions;
}

function printText(picture: ClusterPicture, versions: BrokerVersions | null, flags: MetaFlags, out: Output): void {
  const { clusterId, controllerId, brokers } = picture;
  out.line(`${out.paint('bold', 'Cluster')} ${clusterId ?? '(without id)'}`);
  const rows = [...brokers]
    .sort((a, b) => a.nodeId - b.nodeId)
    .map((broker) => [
      String(broker.nodeId),
      showAddress(broker),
      broker.rack ?? '',
      broker.nodeId === controllerId ? 'controller' : '',
    ]);
  printTable(
    out,
    tableLines([{ title: 'broker', align: 'right' }, { title: 'address' }, { title: 'rack' }, { title: '' }], rows),
  );
  if (versions !== null) printVersions(versions, out);
  else if (flags.topic === undefined)
    printTopics(
      picture.topics.filter((topic) => flags.internal === true || !topic.isInternal),
      out,
    );
  else for (const topic of picture.topics.filter((each) => each.errorCode === 0)) printPartitions(topic, out);
}

function printTopics(topics: readonly MetadataResponseTopic[], out: Output): void {
  out.line();
  if (topics.length === 0) {
    out.line('No topics.');
    return;
  }
  const rows = [...topics]
    .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
    .map((topic) => {
      const withoutLeader = topic.partitions.filter((each) => each.leaderId < 0).length;
      const behind = topic.partitions.filter((each) => each.isrNodes.length < each.replicaNodes.length).length;
      const faults = [
        topic.errorCode === 0 ? '' : errorText(topic.errorCode),
        withoutLeader === 0 ? '' : `${withoutLeader} without leader`,
        behind === 0 ? '' : `${behind} with replicas behind`,
      ].filter((fault) => fault !== '');
      const replicas = Math.max(0, ...topic.partitions.map((each) => each.replicaNodes.length));
      return [
        topic.name ?? topic.topicId,
        String(topic.partitions.length),
        String(replicas),
        out.paint('red', faults.join(', ')),
      ];
    });
  const columns = [
    { title: 'topic' },
    { title: 'partitions', align: 'right' },
    { title: 'replicas', align: 'right' },
    { title: '' },
  ] as const;
  printTable(out, tableLines(columns, rows));
}

function printPartitions(topic: MetadataResponseTopic, out: Output): void {
  out.line();
  out.line(`${out.paint('bold', 'Topic')} ${topic.name ?? topic.topicId}${topic.isInternal ? ' (internal)' : ''}`);
  const rows = [...topic.partitions]
    .sort((a, b) => a.partitionIndex - b.partitionIndex)
    .map((each) => [
      String(each.partitionIndex),
      each.leaderId < 0 ? out.paint('red', 'none') : String(each.leaderId),
      each.leaderEpoch < 0 ? '' : String(each.leaderEpoch),
      each.replicaNodes.join(','),
      each.isrNodes.join(','),
      each.offlineReplicas.join(','),
      each.errorCode === 0 ? '' : errorText(each.errorCode),
    ]);
  const columns = [
    { title: 'partition', align: 'right' },
    { title: 'leader', align: 'right' },
    { title: 'epoch', align: 'right' },
    { title: 'replicas' },
    { title: 'in sync' },
    { title: 'offline' },
    { title: '' },
  ] as const;
  printTable(out, tableLines(columns, rows));
}

function printVersions(versions: BrokerVersions, out: Output): void {
  const ids = [...versions.keys()].sort((a, b) => a - b);
  for (const id of ids) {
    const answer = versions.get(id);
    if (typeof answer === 'string') out.line(out.paint('red', `broker ${id}: ${answer}`));
  }
  const known = new Set(apis.map((api) => api.apiKey));
  const strange = [...new Set(ids.flatMap((id) => [...rangesOf(versions, id).keys()]))].filter(
    (key) => !known.has(key),
  );
  const all = [
    ...apis,
    ...strange.map((apiKey) => ({ apiKey, name: '(unknown to kiel)', minVersion: -1, maxVersion: -1 })),
  ];
  const rows = all
    .filter((api) => ids.some((id) => rangesOf(versions, id).has(api.apiKey)))
    .map((api) => [
      String(api.apiKey),
      api.name,
      rangeText(api.maxVersion < 0 ? undefined : api),
      ...ids.map((id) => rangeText(rangesOf(versions, id).get(api.apiKey))),
    ]);
  const columns = [
    { title: 'key', align: 'right' as const },
    { title: 'API' },
    { title: 'kiel' },
    ...ids.map((id) => ({ title: `broker ${id}` })),
  ];
  out.line();
  printTable(out, tableLines(columns, rows));
}

function rangesOf(versions: BrokerVersions, id: number): ReadonlyMap<number, VersionRange> {
  const answer = versions.get(id);
  return answer === undefined || typeof answer === 'string' ? new Map() : answer;
}

function rangeText(range: VersionRange | undefined): string {
  if (range === undefined) return '–';
  return range.minVersion === range.maxVersion ? `${range.minVersion}` : `${range.minVersion}–${range.maxVersion}`;
}

function printTable(out: Output, lines: readonly string[]): void {
  for (const line of lines) out.line(line);
}

function printJson(
  { clusterId, controllerId, brokers, topics }: ClusterPicture,
  versions: BrokerVersions | null,
  out: Output,
): void {
  const names = new Map(apis.map((api) => [api.apiKey, api.name]));
  out.line(
    toJson({
      clusterId,
      controllerId,
      brokers: brokers.map(({ nodeId, host, port, rack }) => {
        const ranges = versions === null ? undefined : rangesOf(versions, nodeId);
        const apiVersions =
          ranges &&
          [...ranges].map(([apiKey, { minVersion, maxVersion }]) => ({
            apiKey,
            name: names.get(apiKey) ?? null,
            minVersion,
            maxVersion,
          }));
        return { nodeId, host, port, rack, ...(apiVersions === undefined ? {} : { apiVersions }) };
      }),
      topics: topics.map(({ unknownTaggedFields: _, topicAuthorizedOperations: __, partitions, ...topic }) => ({
        ...topic,
        partitions: partitions.map(({ unknownTaggedFields: ___, ...partition }) => partition),
      })),
    }),
  );
}
