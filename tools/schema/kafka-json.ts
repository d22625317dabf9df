/** A definition as Kafka's jars carry it. Only what the codec uses is named here; prose is left where it is. */
export interface KafkaMessage {
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly listeners?: readonly string[];
  readonly latestVersionUnstable?: boolean;
  readonly fields?: readonly KafkaField[];
  readonly commonStructs?: readonly KafkaStruct[];
}

export interface KafkaStruct {
  readonly name: string;
  readonly versions: string;
  readonly fields: readonly KafkaField[];
}

export interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean | null;
  readonly ignorable?: boolean | string;
  readonly entityType?: string;
  readonly fields?: readonly KafkaField[];
}

/** Kafka's definitions are JSON with whole-line comments. */
export function parseKafkaJson(text: string): KafkaMessage {
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')) as KafkaMessage;
}
