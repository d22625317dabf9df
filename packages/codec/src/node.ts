export { nodeCrc32 } from './checksum/node-crc32.ts';
export {
  createNodeCompressions,
  type NodeCompressionOptions,
  nodeCompressions,
} from './compression/node-compressions.ts';
