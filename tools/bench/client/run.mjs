/** Runs one peer that is written in JavaScript, in a process of its own: `node run.mjs PEER-FILE OPTIONS-AS-JSON`. */
import { pathToFileURL } from 'node:url';
import { measure } from './measure.mjs';

const [file, json] = process.argv.slice(2);
const options = JSON.parse(json);
const peer = await import(pathToFileURL(file).href);
const client = await peer.connect(options);
console.log(JSON.stringify(await measure(client, options)));
await client.close();
process.exit(0);
