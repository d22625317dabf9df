/** An option that cannot work, found before anything is sent. */
export class SecurityConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'INVALID_CONFIG';
  readonly retriable = false;
  /** The option, as a path: `sasl.username`. */
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`option "${option}" ${problem}`);
    this.option = option;
  }
}

export function configError(option: string, problem: string): SecurityConfigError {
  return new SecurityConfigError(option, problem);
}
