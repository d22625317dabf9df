import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaAccess } from './access.ts';
import { Broker } from './broker.ts';
import { formatStorage, newId } from './format.ts';
import { archiveFile, kafkaJars } from './jars.ts';
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
import { isAtLeast, type Release, releaseOf } from './releases.ts';
import { RawConnection } from './wire.ts';

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
  /** A folder with compiled classes that brokers and tools find too: plugins of tests. */
  readonly classFolder?: string;
  /** Heap of each broker, 384 if not given. */
  readonly heapMb?: number;
}

/** A real cluster on loopback. Whatever becomes of this process, its brokers and its folder go with it. */
export class KafkaCluster extends KafkaAccess {
  override readonly brokers: readonly Broker[];
  /** Its temporary folder: properties, output and data. */
  readonly folder: string;
  readonly #home: Jvm | undefined;
  readonly #keeper: Keeper;
  #isStopped = false;

  constructor(parts: {
    version: string;
    brokers: readonly Broker[];
    folder: string;
    classpath: string;
    home: Jvm | undefined;
    zookeeper: string | undefined;
    keeper: Keeper;
  }) {
    super(parts, parts.classpath);
    this.brokers = parts.brokers;
    this.folder = parts.folder;
    this.#home = parts.home;
    this.#keeper = parts.keeper;
  }

  protected override get running(): readonly Broker[] {
    return this.brokers.filter((broker) => broker.isRunning);
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
    // Last, so that archives of the release's own classes go on to fit.
    const classpath = options.classFolder === undefined ? jars.classpath : `${jars.classpath}:${options.classFolder}`;
    return await launch(options, release, classpath, folder, keeper);
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
  const archive = archiveFile(release.version);
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
  return new KafkaCluster({ version: release.version, brokers, folder, classpath, home, zookeeper, keeper });
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
