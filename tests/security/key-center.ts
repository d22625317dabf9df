import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KerberosModule } from '@kiel/producer';
import { freePort } from '../../tools/kafka/ports.ts';
import { RawConnection } from '../../tools/kafka/wire.ts';

const realm = 'KIEL.TEST';

/** MIT's programs are where Debian puts them: `apt install krb5-kdc krb5-admin-server krb5-user`. */
const programs = {
  kdb5Util: '/usr/sbin/kdb5_util',
  kadmin: '/usr/sbin/kadmin.local',
  kdc: '/usr/sbin/krb5kdc',
  kinit: '/usr/bin/kinit',
} as const;

export interface KeyCenter extends AsyncDisposable {
  readonly folder: string;
  readonly configFile: string;
  /** Makes a principal of the realm, with its key in a file. */
  keytab(principal: string): string;
  /** A ticket cache with a ticket for that principal. */
  ticket(principal: string, keytab: string): string;
}

/** What keeps Kerberos from being tried here; null if nothing does. */
export function whatKerberosLacks(): string | null {
  for (const program of Object.values(programs)) {
    try {
      accessSync(program, constants.X_OK);
    } catch {
      return `${program} is not there`;
    }
  }
  return loadKerberos() === null ? 'the package kerberos is not there (KIEL_KERBEROS may name its folder)' : null;
}

export function loadKerberos(): KerberosModule | null {
  try {
    return createRequire(import.meta.url)(process.env['KIEL_KERBEROS'] ?? 'kerberos') as KerberosModule;
  } catch {
    return null;
  }
}

/** A key distribution center on a free port of this machine, with a realm of its own. */
export async function startKeyCenter(): Promise<KeyCenter> {
  const folder = mkdtempSync(join(tmpdir(), 'kiel-kdc-'));
  const port = await freePort();
  const configFile = join(folder, 'krb5.conf');
  const centerFile = join(folder, 'kdc.conf');
  writeFileSync(
    configFile,
    [
      '[libdefaults]',
      `  default_realm = ${realm}`,
      '  dns_lookup_kdc = false',
      '  dns_lookup_realm = false',
      '  dns_canonicalize_hostname = false',
      '  rdns = false',
      '  udp_preference_limit = 1',
      '[realms]',
      `  ${realm} = {`,
      `    kdc = 127.0.0.1:${port}`,
      '  }',
      '',
    ].join('\n'),
  );
  writeFileSync(
    centerFile,
    [
      '[realms]',
      `  ${realm} = {`,
      `    database_name = ${join(folder, 'principals')}`,
      `    key_stash_file = ${join(folder, 'stash')}`,
      `    kdc_listen = 127.0.0.1:${port}`,
      `    kdc_tcp_listen = 127.0.0.1:${port}`,
      '    supported_enctypes = aes256-cts-hmac-sha1-96:normal',
      '  }',
      '[logging]',
      `  kdc = FILE:${join(folder, 'kdc.log')}`,
      '',
    ].join('\n'),
  );
  const env = { ...process.env, KRB5_CONFIG: configFile, KRB5_KDC_PROFILE: centerFile };
  const run = (program: string, args: readonly string[]) => execFileSync(program, args, { env, stdio: 'pipe' });
  run(programs.kdb5Util, ['create', '-s', '-r', realm, '-P', 'of no importance']);
  const kdc = spawn(programs.kdc, ['-n', '-r', realm], { env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => kdc.once('exit', () => resolve()));
  await untilOpen(port);
  return {
    folder,
    configFile,
    keytab: (principal) => {
      const file = join(folder, `${principal.replaceAll('/', '-')}.keytab`);
      run(programs.kadmin, ['-r', realm, '-q', `addprinc -randkey ${principal}`]);
      run(programs.kadmin, ['-r', realm, '-q', `ktadd -k ${file} ${principal}`]);
      return file;
    },
    ticket: (principal, keytab) => {
      const cache = join(folder, `${principal}.cache`);
      run(programs.kinit, ['-k', '-t', keytab, '-c', cache, principal]);
      return `FILE:${cache}`;
    },
    [Symbol.asyncDispose]: async () => {
      kdc.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      (await RawConnection.open(port)).close();
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await sleep(50);
    }
  }
}
