/** Lookups over all messages. Importing this entry imports every message; the main entry alone does not. */
export { apis } from './messages/generated/api-table.ts';
export { messages } from './messages/generated/registry.ts';
export { messageByName, requestFor, responseFor } from './messages/lookup.ts';
