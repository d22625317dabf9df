import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broker } from './broker.ts';
import { formatStorage, newId } from './format.ts';
import { cacheFolder, kafkaJars } from './jars.ts';
import { javaVersion } from './java.ts';
import { Jvm } from './jvm.ts';
import { Keeper } from './keeper.ts';
import { freePort } from './ports.ts';
import {
  brokerProperties,
  controllerProperties,
  type KraftPlan,
  type ListenerOptions,
  type Properties,
  propertiesText,
  zookeeperProperties,
} from './properties.ts';
import { isAtLeast, type Release, releaseOf, type ToolName } from './releases.ts';
import { type RunOptions, type RunResult, runJava } from './tool.ts';
import { askCreateTopic, askMetadata, RawConnection } from './wire.ts';

const host = '127.0.0.1';

export interface KafkaOptions {
  /** Such as `4.4.0`. */
  readonly version: string;
  /** How many; 1 if not given. */
  readonly brokers?: number;
  /** Properties of every broker, or of each by its id. They win over those of this module. */
  readonly config?: Properties | ((brokerId: number) => Properties);
  /** Listeners beside the plain one, each with a port of its own on every broker. */
  readonly listeners?: readonly ListenerOptions[];
  /** Further flags of the brokers' JVM, such as `-Djava.security.auth.login.config=…`. */
  readonly jvmFlags?: readonly string[];
  /** `SCRAM-SHA-256=[name=…,password=…]`: users that are there from the first start (KRaft only). */
  readonly scram?: readonly string[];
  /** Heap of each broker, 384 if not given. */
  readonly heapMb?: number;
}

export interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A real cluster on loopback. Whatever becomes of this process, its brokers and its folder go with it. */
export class KafkaCluster {
  readonly version: string;
  readonly brokers: readonly Broker[];
  /** Its temporary folder: properties, output and data. */
  readonly folder: string;
  readonly #release: Release;
  readonly #classpath: string;
  readonly #home: Jvm | undefined;
  readonly #zookeeper: string | undefined;
  readonly #keeper: Keeper;
  #isStopped = false;

  constructor(parts: {
    release: Release;
    brokers: readonly Broker[];
    folder: string;
    classpath: string;
    home: Jvm | undefined;
    zookeeper: string | undefined;
    keeper: Keeper;
  }) {
    this.version = parts.release.version;
    this.brokers = parts.brokers;
    this.folder = parts.folder;
    this.#release = parts.release;
    this.#classpath = parts.classpath;
    this.#home = parts.home;
    this.#zookeeper = parts.zookeeper;
    this.#keeper = parts.keeper;
  }

  /** `HOST:PORT,…` of the plain listeners. */
  get bootstrap(): string {
    return this.bootstrapOf('PLAINTEXT');
  }

  bootstrapOf(listener: string): string {
    return this.brokers.map((broker) => `${broker.host}:${broker.ports[listener]}`).join(',');
  }

  get logDirs(): readonly string[] {
    return this.brokers.flatMap((broker) => broker.logDirs);
  }

  /** `HOST:PORT` of ZooKeeper, where this release has one. */
  get zookeeper(): string | undefined {
    return this.#zookeeper;
  }

  /** Runs a main class out of this release's jars. */
  run(mainClass: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runJava(this.#classpath, mainClass, args, options);
  }

  /** Runs one of Java's own tools by what it does, since their classes moved about. */
  runTool(name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const mainClass = this.#release.tools[name];
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
      const where = ['--zookeeper', this.#zookeeper ?? ''];
      await this.runTool('topics', ['--create', '--topic', name, ...where, ...counts, ...configs]);
    }
    await this.#untilLed(name, partitions);
  }

  /** Ends all brokers and removes the folder. Again is harmless. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await Promise.all(this.brokers.map((broker) => broker.end()));
    await this.#home?.kill();
    await this.#keeper.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
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
      for (const broker of this.brokers.filter((broker) => broker.isRunning)) {
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
    for (const broker of this.brokers.filter((broker) => broker.isRunning)) {
      for (;;) {
        const { topics } = await askMetadata(broker.port, [name]);
        const led = topics[0]?.partitions.filter((partition) => partition.leader >= 0 && partition.errorCode === 0);
        if (led?.length === partitions) break;
        if (performance.now() > deadline) throw new Error(`topic ${name}: no leaders at broker ${broker.id}`);
        await sleep(25);
      }
    }
  }
}

/**
 * Starts real Apache Kafka on free ports of 127.0.0.1, out of the jars on Maven Central. It resolves once every broker
 * answers Metadata with all brokers in it. Stop it with `stop()` or `await using`.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const release = releaseOf(options.version);
  const jars = await kafkaJars(options.version);
  const folder = mkdtempSync(join(tmpdir(), 'kiel-kafka-'));
  const keeper = new Keeper(folder);
  try {
    return await launch(options, release, jars.classpath, folder, keeper);
  } catch (error) {
    await keeper.end();
    throw error;
  }
}

async function launch(
  options: KafkaOptions,
  release: Release,
  classpath: string,
  folder: string,
  keeper: Keeper,
): Promise<KafkaCluster> {
  const count = options.brokers ?? 1;
  const { listeners = [], scram = [] } = options;
  const archive = join(cacheFolder(), `kafka-${release.version}-java-${javaVersion()}.jsa`);
  const logging = writeLogging(folder);
  const file = (name: string, properties: Properties): string => {
    const path = join(folder, name);
    writeFileSync(path, propertiesText(properties));
    return path;
  };
  const configOf = (id: number): Properties =>
    typeof options.config === 'function' ? options.config(id) : (options.config ?? {});
  const clusterId = newId();
  const homePort = await freePort();
  const isAlone = release.mode === 'kraft' && count === 1;

  let home: Jvm | undefined;
  let zookeeper: string | undefined;
  const kraft: KraftPlan = isAlone
    ? { voter: `1@${host}:${homePort}`, ownControllerPort: homePort }
    : { voter: `1000@${host}:${homePort}` };
  if (release.mode === 'zookeeper') {
    zookeeper = `${host}:${homePort}`;
    const args = [file('zookeeper.properties', zookeeperProperties(homePort, join(folder, 'zookeeper')))];
    const mainClass = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const log = join(folder, 'zookeeper.log');
    home = new Jvm({ classpath, mainClass, args, flags: ['-Xmx128m', ...logging], log, keeper, archive });
  } else if (!isAlone) {
    // A controller apart: tests may then kill any broker, even all of them, and the cluster still has a head.
    const logDir = join(folder, 'controller');
    const properties = file('controller.properties', controllerProperties(1000, host, homePort, logDir));
    await formatStorage({ classpath, release, logDir, nodeId: 1000, clusterId, role: 'controller', scram });
    const flags = ['-Xmx192m', ...logging];
    const log = join(folder, 'controller.log');
    home = new Jvm({ classpath, mainClass: 'kafka.Kafka', args: [properties], flags, log, keeper, archive });
  }

  const brokers: Broker[] = [];
  for (let id = 1; id <= count; id++) {
    const ports: Record<string, number> = { PLAINTEXT: await freePort() };
    for (const { name } of listeners) ports[name] = await freePort();
    const logDir = join(folder, `broker-${id}`);
    mkdirSync(logDir, { recursive: true });
    const address = { id, host, ports };
    const place = zookeeper === undefined ? { kraft } : { zookeeper };
    const properties = { ...brokerProperties(release, address, listeners, logDir, count, place), ...configOf(id) };
    const logDirs = String(properties['log.dirs']).split(',');
    if (release.mode === 'kraft') {
      const role = isAlone ? 'broker,controller' : 'broker';
      for (const dir of logDirs) {
        await formatStorage({ classpath, release, logDir: dir, nodeId: id, clusterId, role, scram });
      }
    }
    const flags = [`-Xmx${options.heapMb ?? 384}m`, ...logging, ...(options.jvmFlags ?? [])];
    brokers.push(
      new Broker({
        ...address,
        logDirs,
        classpath,
        mainClass: 'kafka.Kafka',
        args: [file(`broker-${id}.properties`, properties)],
        flags,
        log: join(folder, `broker-${id}.log`),
        keeper,
        archive,
        ...(isAtLeast(release.version, '0.9') ? {} : { startedLine: 'started (KafkaServer)' }),
        mayMakeArchive: id === 1, // one is enough: making it costs seconds
      }),
    );
  }
  if (release.mode === 'zookeeper' && home !== undefined) await untilListening(homePort, home);
  for (const broker of brokers) broker.launch();
  await Promise.all(brokers.map((broker) => broker.ready(count, 120_000)));
  return new KafkaCluster({ release, brokers, folder, classpath, home, zookeeper, keeper });
}

/** Warnings go to the process's output. The older releases log over log4j 1, the newest over slf4j-simple. */
function writeLogging(folder: string): string[] {
  const file = join(folder, 'log4j.properties');
  const pattern = '%d{HH:mm:ss.SSS} %-5p %m (%c{1})%n';
  const appender = 'log4j.appender.out';
  writeFileSync(
    file,
    propertiesText({
      'log4j.rootLogger': 'WARN, out',
      'log4j.logger.kafka.server.KafkaServer': 'INFO', // says when it has started
      [appender]: 'org.apache.log4j.ConsoleAppender',
      [`${appender}.layout`]: 'org.apache.log4j.PatternLayout',
      [`${appender}.layout.ConversionPattern`]: pattern,
    }),
  );
  return [`-Dlog4j.configuration=file:${file}`, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
}

async function untilListening(port: number, jvm: Jvm): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (jvm.hasExited) throw new Error(`ZooKeeper ended while starting:\n${jvm.tail()}`);
    try {
      const connection = await RawConnection.open(port);
      connection.close();
      return;
    } catch {
      await sleep(25);
    }
  }
  throw new Error(`ZooKeeper does not listen on ${port}:\n${jvm.tail()}`);
}
