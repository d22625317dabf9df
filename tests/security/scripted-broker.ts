import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { encodeResponse, FrameDecoder, Reader, readRequestHeader } from '@kiel/codec';
import { apis, decodeRequest, responseFor } from '@kiel/codec/apis';
import { type Peer, plainPeer, tlsPeer } from './tls-peers.ts';

/** Bodies by the API's name, or what makes them. `null` says nothing; bytes are sent as they are. */
export type Script = Readonly<Record<string, Answer | ((request: unknown, version: number) => Answer)>>;
type Answer = object | Uint8Array | null;

export interface ScriptedBroker extends Peer {
  /** Names of the requests that came, in order. */
  readonly requests: readonly string[];
}

/** A broker that says what it is told to, true or not. It knows its versions unless the script says otherwise. */
export async function scriptedBroker(script: Script, tls?: TlsOptions): Promise<ScriptedBroker> {
  const requests: string[] = [];
  const talk = (socket: Socket) => {
    const decoder = new FrameDecoder();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(new Uint8Array(chunk))) answer(socket, frame, script, requests);
    });
  };
  const peer = tls === undefined ? await plainPeer(undefined, talk) : await tlsPeer(tls, talk);
  return Object.defineProperties(peer, { requests: { value: requests } }) as ScriptedBroker;
}

function answer(socket: Socket, frame: Uint8Array, script: Script, requests: string[]): void {
  const { apiKey, apiVersion: version, correlationId } = readRequestHeader(new Reader(frame));
  const message = responseFor(apiKey);
  const name = message.name.replace('Response', '');
  requests.push(name);
  const scripted = script[name] ?? (name === 'ApiVersions' ? allVersions : null);
  const body = typeof scripted === 'function' ? scripted(decodeRequest(frame).body, version) : scripted;
  if (body === null) return;
  const bytes = body instanceof Uint8Array ? body : encodeResponse({ message, version, correlationId, body });
  socket.write(bytes);
}

const served = new Set(['Produce', 'Metadata', 'SaslHandshake', 'ApiVersions', 'InitProducerId', 'SaslAuthenticate']);

const allVersions = {
  errorCode: 0,
  apiKeys: apis
    .filter(({ name }) => served.has(name))
    .map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion, maxVersion })),
};

/** An answer to Metadata: one topic whose partitions are led by the first of these brokers. */
export function metadataOf(brokers: readonly { nodeId: number; host: string; port: number }[], topic = 'orders') {
  const replicaNodes = [brokers[0]?.nodeId ?? 0];
  const partition = { errorCode: 0, partitionIndex: 0, leaderId: replicaNodes[0]!, leaderEpoch: 1 };
  const partitions = [{ ...partition, replicaNodes, isrNodes: replicaNodes, offlineReplicas: [] }];
  return {
    brokers: brokers.map((broker) => ({ ...broker, rack: null })),
    clusterId: 'hostile',
    controllerId: replicaNodes[0]!,
    topics: [{ errorCode: 0, name: topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', isInternal: false, partitions }],
  };
}
