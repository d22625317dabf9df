/** Lookups over all messages. Importing this entry imports every message; the main entry alone does not. */

export {
  Conversation,
  type ConversationEvent,
  type ConversationOptions,
  type SeenRequest,
  type SeenResponse,
  type SeenToken,
} from './conversation.ts';
export { decodeRequest, decodeResponse, type IncomingRequest } from './messages/exchange.ts';
export { apis } from './messages/generated/api-table.ts';
export { messages } from './messages/generated/registry.ts';
export { type AnyMessage, messageByName, requestFor, responseFor } from './messages/lookup.ts';
