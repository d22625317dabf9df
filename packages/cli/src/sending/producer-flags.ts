import type { AnyProducerOptions } from '@kiel/producer';

/** Flags that set options of the producer. */
export interface ProducerFlags {
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  acks?: 'all' | '-1' | '1' | '0';
  linger?: number;
  timeout?: number;
}

/** Only what was asked for, so that a configuration file's settings stand. */
export function producerOptions(flags: ProducerFlags): Partial<AnyProducerOptions> {
  const { compression, acks, linger, timeout } = flags;
  return {
    ...(compression === undefined ? {} : { compression: compression === 'none' ? null : compression }),
    ...(acks === undefined ? {} : { requiredAcks: acks === 'all' ? -1 : (Number(acks) as -1 | 0 | 1) }),
    ...(linger === undefined ? {} : { lingerMs: linger }),
    ...(timeout === undefined ? {} : { deliveryTimeoutMs: timeout * 1000, maxBlockMs: timeout * 1000 }),
  };
}
