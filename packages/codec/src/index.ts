export * from './core.ts';
export * from './messages/generated/index.ts';
