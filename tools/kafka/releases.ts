/** Names of Java's tools that tests use, by what they do. */
export type ToolName =
  | 'topics'
  | 'consoleConsumer'
  | 'consoleProducer'
  | 'producerPerformance'
  | 'dumpLogSegments'
  | 'getOffsets'
  | 'configs'
  | 'acls';

/** How one release of Kafka is fetched and started. */
export interface Release {
  readonly version: string;
  readonly scala: string;
  readonly mode: 'kraft' | 'zookeeper';
  /** Artifacts beside `kafka_SCALA:VERSION`; a star takes the jar without its dependencies. */
  readonly extra: readonly string[];
  /** Main classes; a tool that is not here does not exist in that release. */
  readonly tools: Readonly<Partial<Record<ToolName, string>>>;
}

const scalaTools: Release['tools'] = {
  topics: 'kafka.admin.TopicCommand',
  consoleConsumer: 'kafka.tools.ConsoleConsumer',
  consoleProducer: 'kafka.tools.ConsoleProducer',
  producerPerformance: 'org.apache.kafka.tools.ProducerPerformance',
  dumpLogSegments: 'kafka.tools.DumpLogSegments',
  getOffsets: 'kafka.tools.GetOffsetShell',
  configs: 'kafka.admin.ConfigCommand',
  acls: 'kafka.admin.AclCommand',
};

const list: readonly Release[] = [
  {
    version: '4.4.0',
    scala: '2.13',
    mode: 'kraft',
    extra: ['org.apache.kafka:kafka-tools:4.4.0*', 'org.slf4j:slf4j-simple:1.7.36'],
    tools: {
      topics: 'org.apache.kafka.tools.TopicCommand',
      consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
      consoleProducer: 'org.apache.kafka.tools.ConsoleProducer',
      producerPerformance: 'org.apache.kafka.tools.ProducerPerformance',
      dumpLogSegments: 'org.apache.kafka.tools.DumpLogSegments',
      getOffsets: 'org.apache.kafka.tools.GetOffsetShell',
      configs: 'org.apache.kafka.tools.ConfigCommand',
      acls: 'org.apache.kafka.tools.AclCommand',
    },
  },
  {
    version: '3.9.2',
    scala: '2.13',
    mode: 'kraft',
    // The broker registers a bean over log4j 1's classes, which its own artifact does not bring.
    extra: ['org.apache.kafka:kafka-tools:3.9.2*', 'org.slf4j:slf4j-reload4j:1.7.36'],
    tools: {
      ...scalaTools,
      topics: 'org.apache.kafka.tools.TopicCommand',
      consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
      getOffsets: 'org.apache.kafka.tools.GetOffsetShell',
    },
  },
  {
    version: '2.8.2',
    scala: '2.13',
    mode: 'zookeeper',
    extra: [
      'org.apache.kafka:kafka-tools:2.8.2*',
      'org.slf4j:slf4j-log4j12:1.7.30',
      'net.sourceforge.argparse4j:argparse4j:0.7.0',
    ],
    tools: scalaTools,
  },
  {
    version: '1.1.1',
    scala: '2.11',
    mode: 'zookeeper',
    extra: [
      'org.apache.kafka:kafka-tools:1.1.1*',
      'org.slf4j:slf4j-log4j12:1.7.25',
      'net.sourceforge.argparse4j:argparse4j:0.7.0',
    ],
    tools: scalaTools,
  },
  {
    version: '0.10.2.2',
    scala: '2.11',
    mode: 'zookeeper',
    // It takes Base64 from a package that Java 17 no longer has.
    extra: [
      'org.apache.kafka:kafka-tools:0.10.2.2*',
      'net.sourceforge.argparse4j:argparse4j:0.7.0',
      'javax.xml.bind:jaxb-api:2.3.0',
    ],
    tools: scalaTools,
  },
  {
    version: '0.8.2.2',
    scala: '2.11',
    mode: 'zookeeper',
    extra: ['org.slf4j:slf4j-log4j12:1.7.6'],
    tools: { ...scalaTools, producerPerformance: 'org.apache.kafka.clients.tools.ProducerPerformance' },
  },
];

/** The releases that tests and broker facts are made with, newest first. */
export const kafkaVersions: readonly string[] = list.map((release) => release.version);

export function releaseOf(version: string): Release {
  const known = list.find((release) => release.version === version);
  if (known !== undefined) return known;
  const major = Number(version.split('.')[0]);
  const like = list.find((release) => release.version === (major >= 4 ? '4.4.0' : '3.9.2'));
  if (major < 3 || like === undefined) throw new Error(`Kafka ${version}: known are ${kafkaVersions.join(', ')}`);
  const extra = like.extra.map((artifact) => artifact.replace(`:${like.version}*`, `:${version}*`));
  return { ...like, version, extra };
}

/** Whether release `a` is `b` or came after it. */
export function isAtLeast(a: string, b: string): boolean {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
