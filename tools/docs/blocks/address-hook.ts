import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Programs of pages say `localhost:9092`, and reach a cluster of their own: the text is changed as it is loaded. */
const address = process.env['KIEL_DOCS_ADDRESS'];
const folder = process.env['KIEL_DOCS_FOLDER'];

if (address !== undefined && folder !== undefined) {
  const prefix = pathToFileURL(folder).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.startsWith(prefix) || loaded.source === undefined || loaded.source === null) return loaded;
      const text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: text.replaceAll('localhost:9092', address) };
    },
  });
}
