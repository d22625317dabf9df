import { ConfigError } from '../errors.ts';

/** Short for the many checks of `tls` and `sasl`; the problem names the option and never its value. */
export function configError(option: string, problem: string): ConfigError {
  return new ConfigError(option, problem);
}
