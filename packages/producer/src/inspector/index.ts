/** `@kiel/producer/inspector`: what a viewer or a tool for recordings needs. `producer.inspector()` opens one. */
export type {
  BrokerView,
  FeedMessage,
  Frame,
  Hello,
  InspectorAction,
  MachineView,
  Note,
  PartitionView,
  Past,
  Percentiles,
  Step,
  Totals,
} from './feed-format.ts';
export { feedFormat } from './feed-format.ts';
export { type Inspector, type InspectorOptions, openRecorded, type Recording } from './inspector.ts';
