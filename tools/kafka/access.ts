import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { archiveFile, kafkaJars } from './jars.ts';
import { isAtLeast, releaseOf, type ToolName } from './releases.ts';
import { type RunOptions, type RunResult, runJava } from './tool.ts';
import { askCreateTopic, askMetadata } from './wire.ts';

export interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** Where a broker listens. */
export interface BrokerPlace {
  readonly id: number;
  readonly host: string;
  /** The port of the plain listener. */
  readonly port: number;
  /** The port of each listener by its name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Folders with its log segments, on this machine. */
  readonly logDirs: readonly string[];
}

/** Where a cluster is, as plain data that another process can be handed. */
export interface KafkaPlace {
  readonly version: string;
  readonly brokers: readonly BrokerPlace[];
  /** `HOST:PORT` of ZooKeeper, where this release has one. */
  readonly zookeeper?: string | undefined;
}

/** What can be done with a running cluster from any process. */
export class KafkaAccess {
  readonly version: string;
  readonly brokers: readonly BrokerPlace[];
  /** `HOST:PORT` of ZooKeeper, where this release has one. */
  readonly zookeeper: string | undefined;
  readonly #classpath: string;

  constructor(place: KafkaPlace, classpath: string) {
    this.version = place.version;
    this.brokers = place.brokers;
    this.zookeeper = place.zookeeper;
    this.#classpath = classpath;
  }

  /** `HOST:PORT,…` of the plain listeners. */
  get bootstrap(): string {
    return this.bootstrapOf('PLAINTEXT');
  }

  bootstrapOf(listener: string): string {
    return this.brokers.map((broker) => `${broker.host}:${broker.ports[listener]}`).join(',');
  }

  /** Folders with the log segments of all brokers. */
  get logDirs(): readonly string[] {
    return this.brokers.flatMap((broker) => broker.logDirs);
  }

  get place(): KafkaPlace {
    const brokers = this.brokers.map(({ id, host, port, ports, logDirs }) => ({ id, host, port, ports, logDirs }));
    return { version: this.version, brokers, zookeeper: this.zookeeper };
  }

  /** Runs a main class out of this release's jars. */
  run(mainClass: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    // The tools share most classes with the broker, and so its archive.
    const archive = archiveFile(this.version);
    const sharing = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
    const flags = [...sharing, ...(options.jvmFlags ?? [])];
    return runJava(this.#classpath, mainClass, args, { ...options, jvmFlags: flags });
  }

  /** Runs one of Java's own tools by what it does, since their classes moved about. */
  runTool(name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const mainClass = releaseOf(this.version).tools[name];
    if (mainClass === undefined) throw new Error(`Kafka ${this.version} has no tool ${name}`);
    return this.run(mainClass, args, options);
  }

  /** Creates a topic and waits until every running broker knows a leader for each partition. */
  async createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    const { partitions = 1, replicationFactor = 1, config = {} } = options;
    if (isAtLeast(this.version, '0.10.1')) {
      await this.#createOverTheWire({ name, partitions, replicationFactor, config });
    } else {
      const counts = ['--partitions', String(partitions), '--replication-factor', String(replicationFactor)];
      const configs = Object.entries(config).flatMap(([key, value]) => ['--config', `${key}=${value}`]);
      const where = ['--zookeeper', this.zookeeper ?? ''];
      await this.runTool('topics', ['--create', '--topic', name, ...where, ...counts, ...configs]);
    }
    await this.#untilLed(name, partitions);
  }

  async #createOverTheWire(topic: {
    name: string;
    partitions: number;
    replicationFactor: number;
    config: Readonly<Record<string, string>>;
  }): Promise<void> {
    const version = isAtLeast(this.version, '4.0') ? 2 : 0;
    const deadline = performance.now() + 30_000;
    // Only the controller takes it in the days of ZooKeeper; the others answer 41 (NOT_CONTROLLER).
    for (;;) {
      for (const broker of this.running) {
        const { errorCode, message } = await askCreateTopic(broker.port, version, topic);
        if (errorCode === 0) return;
        if (errorCode !== 41) throw new Error(`topic ${topic.name} not created: code ${errorCode} ${message}`);
      }
      if (performance.now() > deadline) throw new Error(`topic ${topic.name} not created: no broker is controller`);
      await sleep(100);
    }
  }

  async #untilLed(name: string, partitions: number): Promise<void> {
    const deadline = performance.now() + 30_000;
    for (const broker of this.running) {
      for (;;) {
        const { topics } = await askMetadata(broker.port, [name]);
        const led = topics[0]?.partitions.filter((partition) => partition.leader >= 0 && partition.errorCode === 0);
        if (led?.length === partitions) break;
        if (performance.now() > deadline) throw new Error(`topic ${name}: no leaders at broker ${broker.id}`);
        await sleep(25);
      }
    }
  }

  /** The brokers that are there to be asked. */
  protected get running(): readonly BrokerPlace[] {
    return this.brokers;
  }
}

/** Access to a cluster that another process has started. */
export async function openKafka(place: KafkaPlace): Promise<KafkaAccess> {
  const { classpath } = await kafkaJars(place.version);
  return new KafkaAccess(place, classpath);
}
