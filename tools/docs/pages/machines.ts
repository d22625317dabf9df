import type { AnyStateMachine } from 'xstate';
import {
  brokerMachine,
  idempotenceMachine,
  metadataMachine,
  producerMachine,
  transactionMachine,
} from '../../../packages/producer/src/index.ts';
import { diagramOf } from '../../machines/diagram.ts';
import { graphOf } from '../../machines/graph.ts';
import { svgOf } from '../machines/svg.ts';

export const machines: readonly AnyStateMachine[] = [
  producerMachine,
  brokerMachine,
  metadataMachine,
  idempotenceMachine,
  transactionMachine,
];

/** By the text of a page's Mermaid block, which GitHub draws by itself: the picture that the site shows in its place. */
export async function machinePictures(): Promise<Record<string, string>> {
  const pictures: Record<string, string> = {};
  for (const machine of machines) pictures[diagramOf(machine)] = await svgOf(graphOf(machine));
  return pictures;
}
