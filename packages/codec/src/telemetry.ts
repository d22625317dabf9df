/** The messages of client telemetry (KIP-714): few clients need them, and only where brokers ask for metrics. */
export * from './messages/generated/get-telemetry-subscriptions-request.ts';
export * from './messages/generated/get-telemetry-subscriptions-response.ts';
export * from './messages/generated/push-telemetry-request.ts';
export * from './messages/generated/push-telemetry-response.ts';
