export * from './security/index.ts';
