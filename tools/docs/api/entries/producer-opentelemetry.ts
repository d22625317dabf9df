/**
 * Spans and metrics for OpenTelemetry: `@kiel/producer/opentelemetry`.
 *
 * @module
 */

export * from '../../../../packages/producer/src/telemetry/opentelemetry.ts';
