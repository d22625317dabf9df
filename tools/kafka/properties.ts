import { isAtLeast, type Release } from './releases.ts';

export type Properties = Record<string, string | number | boolean>;

/** A listener beside the plain one that the tools themselves use. */
export interface ListenerOptions {
  /** Capital letters, such as `SASL` or `TLS`. */
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
}

export interface BrokerAddress {
  readonly id: number;
  readonly host: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** Set for all brokers because a cluster for tests is small, short-lived and must start fast. */
function forTests(release: Release, brokerCount: number): Properties {
  const replicas = Math.min(brokerCount, 3);
  const common: Properties = {
    'auto.create.topics.enable': false,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'controlled.shutdown.enable': true,
    // The default of 128 MiB is reserved at once, out of a heap of 256.
    'log.cleaner.dedupe.buffer.size': 4 << 20,
  };
  if (isAtLeast(release.version, '0.11')) {
    common['transaction.state.log.replication.factor'] = replicas;
    common['transaction.state.log.min.isr'] = 1;
    common['transaction.state.log.num.partitions'] = 4;
    common['group.initial.rebalance.delay.ms'] = 0;
  }
  if (isAtLeast(release.version, '4.0')) {
    common['share.coordinator.state.topic.replication.factor'] = replicas;
    common['share.coordinator.state.topic.min.isr'] = 1;
    common['share.coordinator.state.topic.num.partitions'] = 4;
  }
  if (release.mode === 'kraft') {
    // A killed broker is found out after three seconds in place of nine.
    common['broker.session.timeout.ms'] = 3000;
    common['broker.heartbeat.interval.ms'] = 500;
    common['controller.quorum.election.timeout.ms'] = 500;
    common['controller.quorum.append.linger.ms'] = 5;
  } else {
    common['zookeeper.session.timeout.ms'] = 3000;
    common['zookeeper.connection.timeout.ms'] = 20_000;
  }
  return common;
}

export interface KraftPlan {
  /** `ID@HOST:PORT` of the only voter. */
  readonly voter: string;
  /** The port to listen on where this broker is the controller too. */
  readonly ownControllerPort?: number;
}

export function brokerProperties(
  release: Release,
  broker: BrokerAddress,
  listeners: readonly ListenerOptions[],
  logDir: string,
  brokerCount: number,
  home: { kraft: KraftPlan } | { zookeeper: string },
): Properties {
  const result = forTests(release, brokerCount);
  result['log.dirs'] = logDir;
  if (!isAtLeast(release.version, '0.10.2')) {
    // Before named listeners.
    result['host.name'] = broker.host;
    result['port'] = broker.ports['PLAINTEXT'] ?? 0;
  } else {
    const all = [{ name: 'PLAINTEXT', protocol: 'PLAINTEXT' }, ...listeners];
    const urls = all.map(({ name }) => `${name}://${broker.host}:${broker.ports[name]}`);
    const protocols = all.map(({ name, protocol }) => `${name}:${protocol}`);
    result['advertised.listeners'] = urls.join(',');
    result['inter.broker.listener.name'] = 'PLAINTEXT';
    if ('kraft' in home) {
      const { ownControllerPort } = home.kraft;
      if (ownControllerPort !== undefined) urls.push(`CONTROLLER://${broker.host}:${ownControllerPort}`);
      protocols.push('CONTROLLER:PLAINTEXT');
    }
    result['listeners'] = urls.join(',');
    result['listener.security.protocol.map'] = protocols.join(',');
  }
  if ('kraft' in home) {
    result['process.roles'] = home.kraft.ownControllerPort === undefined ? 'broker' : 'broker,controller';
    result['node.id'] = broker.id;
    result['controller.listener.names'] = 'CONTROLLER';
    result['controller.quorum.voters'] = home.kraft.voter;
  } else {
    result['broker.id'] = broker.id;
    result['zookeeper.connect'] = home.zookeeper;
  }
  return result;
}

export function controllerProperties(id: number, host: string, port: number, logDir: string): Properties {
  return {
    'process.roles': 'controller',
    'node.id': id,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `${id}@${host}:${port}`,
    listeners: `CONTROLLER://${host}:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT',
    'controller.quorum.election.timeout.ms': 500,
    'controller.quorum.append.linger.ms': 5,
    // The controller, not the broker, decides on what is dead and how a topic is born.
    'broker.session.timeout.ms': 3000,
    'default.replication.factor': 1,
    'log.dirs': logDir,
  };
}

export function zookeeperProperties(port: number, dataDir: string): Properties {
  return {
    dataDir,
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    tickTime: 500,
    'admin.enableServer': false,
  };
}

/** Java's properties format: a backslash in a value (JAAS texts, paths) has to be doubled. */
export function propertiesText(properties: Properties): string {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\')}`);
  return `${lines.join('\n')}\n`;
}
