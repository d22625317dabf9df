import { inflateRawSync } from 'node:zlib';

/** Files inside a zip archive (a jar is one) whose names match, as text. Enough of the format for published jars. */
export function readZipText(archive: Buffer, matches: (name: string) => boolean): Map<string, string> {
  const directory = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (directory < 0) throw new Error('no zip archive');
  const count = archive.readUInt16LE(directory + 10);
  let at = archive.readUInt32LE(directory + 16);
  const files = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const method = archive.readUInt16LE(at + 10);
    const packedSize = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const extraLength = archive.readUInt16LE(at + 30);
    const commentLength = archive.readUInt16LE(at + 32);
    const local = archive.readUInt32LE(at + 42);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    at += 46 + nameLength + extraLength + commentLength;
    if (!matches(name)) continue;
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(start, start + packedSize);
    files.set(name, (method === 0 ? packed : inflateRawSync(packed)).toString('utf8'));
  }
  return files;
}
