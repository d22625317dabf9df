/** What pages import and this repository does not install: the parts that they use, as their own documentation has them. */

declare module 'aws-msk-iam-sasl-signer-js' {
  export function generateAuthToken(options: { region: string }): Promise<{ token: string; expiryTime: number }>;
}

declare module '@mongodb-js/saslprep' {
  export default function saslprep(text: string): string;
}

declare module '@confluentinc/kafka-javascript';
declare module 'node-rdkafka';

declare module '@jest/globals' {
  export { afterEach, beforeEach, describe, expect, test } from 'vitest';
}
