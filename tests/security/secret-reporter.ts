import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { formsOf } from './recorder.ts';
import { secrets } from './secrets.ts';

/** Searches all that the tests print, failures included, for the secrets of the security suite: one found fails the run. */
export default class SecretReporter implements Reporter {
  readonly #forms = Object.entries(secrets).map(([name, secret]) => ({ name, forms: formsOf(secret) }));
  readonly #found = new Map<string, string>();

  onUserConsoleLog({ content, taskId }: { content: string; taskId?: string }): void {
    this.#search(content, `the output of task ${taskId ?? 'unknown'}`);
  }

  onTestCaseResult(test: TestCase): void {
    for (const { message, stack } of test.result().errors ?? [])
      this.#search(`${message}\n${stack ?? ''}`, test.fullName);
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly { message: string; stack?: string }[]): void {
    for (const { message, stack } of unhandled) this.#search(`${message}\n${stack ?? ''}`, 'an unhandled error');
    for (const [name, place] of this.#found) process.stderr.write(`\nSECRET IN THE OUTPUT: ${name}, in ${place}\n`);
    if (this.#found.size > 0) process.exitCode = 1;
  }

  #search(text: string, place: string): void {
    for (const { name, forms } of this.#forms) {
      if (!this.#found.has(name) && forms.some((form) => text.includes(form))) this.#found.set(name, place);
    }
  }
}
