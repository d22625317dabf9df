/** Fields that hold passwords, tokens, or what a password can be found from. */
const secretFields = new Set(['authBytes', 'hmac', 'salt', 'saltedPassword', 'delegationToken', 'clientSecret']);

/** Values of settings: a password may be among them. */
const secretSettings = /password|secret|jaas|credential|\bkey\b/i;

/** Stands where a secret was. */
export class Hidden {
  readonly what: string;

  constructor(value: unknown) {
    this.what = value instanceof Uint8Array ? `${value.length} bytes, hidden` : 'hidden';
  }

  toJSON(): { hidden: string } {
    return { hidden: this.what };
  }
}

/** The same message without its secrets. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const struct = value as Record<string, unknown>;
  const isSecretSetting =
    typeof struct['name'] === 'string' && typeof struct['value'] === 'string' && secretSettings.test(struct['name']);
  return Object.fromEntries(
    Object.entries(struct).map(([name, member]) => {
      const hide = (secretFields.has(name) && member !== null) || (isSecretSetting && name === 'value');
      return [name, hide ? new Hidden(member) : withoutSecrets(member)];
    }),
  );
}
