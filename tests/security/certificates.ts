import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and its certificate, as PEM and as the files that hold them. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly certFile: string;
}

export interface Subject {
  readonly name: string;
  /** `DNS:…` and `IP:…`, as OpenSSL writes them. */
  readonly alternatives?: readonly string[];
  /** Negative: it has expired. */
  readonly days?: number;
}

/** A certificate authority that lives in a temporary folder, made by the `openssl` of this machine. */
export class Authority implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kiel-certificates-'));
  readonly #self: Certificate;
  #count = 0;

  constructor(name = 'Kiel test authority') {
    this.#self = this.#selfSigned({ name }, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']);
  }

  get certificate(): Certificate {
    return this.#self;
  }

  get ca(): string {
    return this.#self.cert;
  }

  issue({ name, alternatives = [], days = 30 }: Subject): Certificate {
    const files = this.#files();
    const extensions = `${files.certFile}.ext`;
    const lines = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth'];
    if (alternatives.length > 0) lines.push(`subjectAltName=${alternatives.join(',')}`);
    writeFileSync(extensions, lines.join('\n'));
    const request = `${files.certFile}.csr`;
    openssl(['req', '-new', ...newKey(files.keyFile), '-subj', `/CN=${name}`, '-out', request]);
    const signer = ['-CA', this.#self.certFile, '-CAkey', this.#self.keyFile, '-set_serial', String(++this.#count)];
    openssl([
      'x509',
      '-req',
      '-in',
      request,
      ...signer,
      '-days',
      String(days),
      '-extfile',
      extensions,
      '-out',
      files.certFile,
    ]);
    return read(files);
  }

  selfSigned(subject: Subject): Certificate {
    return this.#selfSigned(subject, []);
  }

  #selfSigned({ name, alternatives = [], days = 30 }: Subject, extensions: readonly string[]): Certificate {
    const files = this.#files();
    const all = alternatives.length === 0 ? extensions : [...extensions, `subjectAltName=${alternatives.join(',')}`];
    const added = all.flatMap((extension) => ['-addext', extension]);
    const subject = ['-subj', `/CN=${name}`, '-days', String(days), ...added];
    openssl(['req', '-x509', ...newKey(files.keyFile), ...subject, '-out', files.certFile]);
    return read(files);
  }

  /** Key, certificate and authority in one PKCS#12 file's bytes. */
  pkcs12({ keyFile, certFile }: Certificate, passphrase: string): Buffer {
    const out = `${certFile}.p12`;
    openssl(['pkcs12', '-export', '-inkey', keyFile, '-in', certFile, '-passout', `pass:${passphrase}`, '-out', out]);
    return readFileSync(out);
  }

  /** The key again, encrypted. */
  encryptedKey({ keyFile }: Certificate, passphrase: string): string {
    return openssl(['pkey', '-in', keyFile, '-aes256', '-passout', `pass:${passphrase}`]);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #files() {
    const stem = join(this.folder, `${process.hrtime.bigint()}`);
    return { keyFile: `${stem}.key`, certFile: `${stem}.crt` };
  }
}

function newKey(keyFile: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
}

function read({ keyFile, certFile }: { keyFile: string; certFile: string }): Certificate {
  return { keyFile, certFile, key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
