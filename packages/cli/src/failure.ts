/** What the command's exit code says. Scripts rely on these. */
export const exitCodes = {
  done: 0,
  /** It ran, and something was not stored, not read, or not as it should be. */
  failed: 1,
  /** It was called wrongly: a flag, a file, a configuration. */
  usage: 2,
  /** A fault of the command itself. */
  internal: 70,
  interrupted: 130,
} as const;

/** A failure that was to be expected: shown as what happened and what to do, never with a stack trace. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** What the user can do about it; one line. */
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string | undefined; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** The command was called wrongly. */
export function usage(message: string, hint?: string): Failure {
  return new Failure(message, { hint, exitCode: exitCodes.usage });
}

const fileFaults: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'reading it is not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EMFILE: 'too many files are open',
};

/** Turns an error of `node:fs` about `path` into one line, and lets every other error through as it is. */
export function fileFailure(path: string, error: unknown): unknown {
  const code = codeOf(error);
  const fault = code === undefined ? undefined : fileFaults[code];
  return fault === undefined ? error : usage(`Cannot read ${path}: ${fault}.`, 'Check the path.');
}

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
