import {
  AlterConfigsRequest,
  AlterConfigsResponse,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { isValidConfig } from '../state/cluster-state.ts';
import { type Topic, type TopicConfig, topicNameFault } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';

const TOPIC_RESOURCE = 2;
const Operation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

const refusal = (errorCode: number, errorMessage: string): Refusal => ({ errorCode, errorMessage });

export const alterConfigs = defineApi('AlterConfigs', 33, AlterConfigsRequest, AlterConfigsResponse, {
  touches: ({ resources }) => topicsOf(resources),
  handle: (ctx, { resources, validateOnly }) =>
    answers(ctx, resources, (topic, { configs }) => {
      // What is not named returns to its default.
      const config: TopicConfig = {};
      for (const { name, value } of configs) {
        const fault = value === null ? nullValue(name) : valueFault(name, value);
        if (fault !== null) return fault;
        config[name] = value!;
      }
      if (!validateOnly) replace(topic, config);
      return null;
    }),
});

export const incrementalAlterConfigs = defineApi(
  'IncrementalAlterConfigs',
  44,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
  {
    touches: ({ resources }) => topicsOf(resources),
    handle: (ctx, { resources, validateOnly }) =>
      answers(ctx, resources, (topic, { configs }) => {
        const config = { ...topic.config };
        for (const change of configs) {
          const fault = apply(topic, config, change);
          if (fault !== null) return fault;
        }
        if (!validateOnly) replace(topic, config);
        return null;
      }),
  },
);

function topicsOf(resources: readonly Resource[]) {
  return resources
    .filter(({ resourceType }) => resourceType === TOPIC_RESOURCE)
    .map(({ resourceName }) => ({ topic: resourceName, partition: -1 }));
}

function answers<R extends Resource>(
  ctx: Context,
  resources: readonly R[],
  change: (topic: Topic, resource: R) => Refusal | null,
) {
  const responses = resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const fault = one(ctx, resource, change) ?? { errorCode: Code.NONE, errorMessage: null };
    return { ...fault, resourceType, resourceName };
  });
  return { throttleTimeMs: ctx.faults.throttleMs, responses };
}

function one<R extends Resource>(
  ctx: Context,
  resource: R,
  change: (topic: Topic, resource: R) => Refusal | null,
): Refusal | null {
  const { resourceType, resourceName } = resource;
  const { state } = ctx.core;
  if (resourceType !== TOPIC_RESOURCE)
    return refusal(Code.INVALID_REQUEST, `resources of type ${resourceType} have no configs that change here`);
  const fault = ctx.faults.errorFor(resourceName, -1);
  if (fault !== null) return refusal(codeNumber(fault.error)!, fault.message ?? 'by a rule');
  const nameFault = topicNameFault(resourceName);
  if (nameFault !== null) return refusal(Code.INVALID_TOPIC_EXCEPTION, nameFault);
  const topic = state.topics.get(resourceName);
  if (topic === undefined) return refusal(Code.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic "${resourceName}"`);
  return change(topic, resource);
}

interface Change {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** Makes one change in `config`. */
function apply(topic: Topic, config: TopicConfig, { name, configOperation, value }: Change): Refusal | null {
  if (configOperation === Operation.DELETE) {
    delete config[name];
    return null;
  }
  if (value === null) return nullValue(name);
  if (configOperation === Operation.SET) {
    config[name] = value;
    return valueFault(name, value);
  }
  const isList = name === 'cleanup.policy';
  if (!isList || configOperation > Operation.SUBTRACT || configOperation < 0)
    return refusal(Code.INVALID_CONFIG, `operation ${configOperation} is none for ${name}`);
  const there = topic.setting(name).split(',');
  const named = value.split(',');
  const next =
    configOperation === Operation.APPEND
      ? [...there, ...named.filter((item) => !there.includes(item))]
      : there.filter((item) => !named.includes(item));
  config[name] = next.join(',');
  return valueFault(name, config[name]);
}

function nullValue(name: string): Refusal {
  return refusal(Code.INVALID_REQUEST, `there is no value for ${name}`);
}

function valueFault(name: string, value: string): Refusal | null {
  return isValidConfig(name, value) ? null : refusal(Code.INVALID_CONFIG, `${name} cannot be "${value}"`);
}

function replace(topic: Topic, config: TopicConfig): void {
  for (const name of Object.keys(topic.config)) delete topic.config[name];
  Object.assign(topic.config, config);
  topic.refresh();
}
