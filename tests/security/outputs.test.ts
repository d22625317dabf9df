import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formsOf } from './recorder.ts';
import { secrets } from './secrets.ts';

test('a program that prints all it can of its producers, and dies of one, prints no secret', async () => {
  const program = join(import.meta.dirname, 'talkative-program.ts');
  const args = ['--conditions=@kiel/source', '--trace-uncaught', program];
  const output = await new Promise<{ text: string; code: unknown }>((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve({ text: stdout + stderr, code: error?.code }),
    );
  });
  expect(output.code).toBe(1);
  expect(output.text).toContain('THE END');
  expect(output.text).toContain('AuthenticationError');
  expect(output.text).toContain("apiName: 'SaslAuthenticate'");
  expect(output.text.length).toBeGreaterThan(50_000);
  const found = Object.entries(secrets).filter(([, secret]) =>
    formsOf(secret).some((form) => output.text.includes(form)),
  );
  expect(found.map(([name]) => name)).toEqual([]);
});
