// Imports every entry named in the arguments, and says what that did to the process and to the language.
const watched = { globalThis, Object, Array, Promise, Uint8Array, Error, String };
const keys = () =>
  Object.entries(watched).flatMap(([name, value]) =>
    [value, value.prototype].flatMap((each, i) =>
      each ? Reflect.ownKeys(each).map((key) => `${name}.${i}.${String(key)}`) : [],
    ),
  );
const state = () => ({
  keys: keys().sort(),
  listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
  resources: process.getActiveResourcesInfo(),
  rest: [`exit code ${process.exitCode}`, ...Object.entries(process.env).map(String)],
});

// The first look opens them, which is the runtime's doing.
for (const stream of ['stdin', 'stdout', 'stderr']) process[stream];
const before = state();
const names = {};
for (const entry of process.argv.slice(2)) names[entry] = Object.keys(await import(entry)).length;
await new Promise((resolve) => setImmediate(resolve));
const after = state();
// A runtime's own globals that come with their first use.
const lazy = /Symbol\(undici\.|nodeBootstrap/;
const added = Object.keys(before).flatMap((each) =>
  after[each].filter((one) => !before[each].includes(one) && !lazy.test(one)),
);
console.log(JSON.stringify({ names, added }));
