import { CommanderError } from 'commander';
import { codeOf, exitCodes, Failure, messageOf } from './failure.ts';
import { createProgram } from './program.ts';
import type { Terminal } from './terminal/output.ts';

/** Runs one command line to its end and returns the exit code; everything has been written by then. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.done;
  // A fault nobody planned for must not print a stack trace at a user, nor go unnoticed.
  const onFault = (error: unknown) => {
    const code = report(error, terminal);
    process.exit(code);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  try {
    const program = createProgram(terminal, (code) => {
      exitCode = code;
    });
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    exitCode = report(error, terminal);
  }
  await Promise.all([terminal.out.end(), terminal.err.end()]);
  process.off('uncaughtException', onFault);
  process.off('unhandledRejection', onFault);
  return exitCode;
}

/** Says what went wrong in one or two lines. @returns the exit code. */
function report(error: unknown, { err, env }: Terminal): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const { message, hint, exitCode } = explained(error);
  err.line(`${err.paint('red', 'kiel:')} ${message}`);
  if (hint !== undefined) err.line(`  ${hint}`);
  if (env['KIEL_DEBUG'] !== undefined && error instanceof Error) err.line(error.stack ?? '');
  return exitCode;
}

function explained(error: unknown): { message: string; hint: string | undefined; exitCode: number } {
  if (error instanceof Failure) return error;
  const message = messageOf(error);
  // The packages' own errors say what to do; they all carry `retriable` beside their code.
  if (codeOf(error) !== undefined && typeof error === 'object' && error !== null && 'retriable' in error) {
    const isUsage = error instanceof Error && error.name === 'ConfigError';
    return { message, hint: undefined, exitCode: isUsage ? exitCodes.usage : exitCodes.failed };
  }
  return {
    message: `Internal fault: ${message}`,
    hint: 'This is a defect of kiel. KIEL_DEBUG=1 shows where it happened; please report it with that.',
    exitCode: exitCodes.internal,
  };
}
