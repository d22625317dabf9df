import { Option } from 'commander';
import { addConnectionOptions, repeated } from '../config/connection-options.ts';
import { formats } from '../input/records.ts';
import { addWatchOptions } from './inspecting.ts';
import { acksOption, type CommandContext, compressionOption, subcommand, wholeNumber } from './subcommand.ts';

export function addProduce(context: CommandContext): void {
  const command = subcommand(context, 'produce', 'Send records from a file or standard input.', [
    'kiel produce -b localhost:9092 -t orders orders.ndjson --key-field customerId',
    'tail -f app.log | kiel produce -b localhost:9092 -t logs --compression zstd',
    "kiel produce -t orders orders.csv --format csv --key '{country}-{id}' --timestamp '{placedAt}'",
  ]);
  addConnectionOptions(command)
    .addOption(new Option('-t, --topic <name>', 'where to').env('KIEL_TOPIC').makeOptionMandatory())
    .addOption(
      new Option('-f, --format <name>', 'what the input is (default: lines, or json where fields are named)').choices(
        formats,
      ),
    )
    .option('-k, --key-field <path>', 'take the key from this field: customerId, customer.id')
    .option('-K, --key-separator <text>', 'lines: what stands before it is the key')
    .option('--key <template>', "make the key: '{country}-{id}'")
    .option('--value <template>', "make the value: '{payload}' (default: the line; the whole row of a CSV as JSON)")
    .addOption(new Option('-H, --header <name=template>', 'add a header; may be repeated').argParser(repeated))
    .option('--partition <template>', "choose the partition: 3, '{shard}'")
    .option('--timestamp <template>', "set the time: '{placedAt}', an ISO date with its zone or ms since 1970")
    .option('--allow-missing-key', 'send records without their key field instead of refusing them')
    .option('--null-value <text>', 'a value that equals this becomes null, a tombstone')
    .option('--csv-separator <char>', 'what separates the fields of a row', ',')
    .option('--csv-columns <names,…>', 'names of the columns, where the first row does not hold them')
    .addOption(new Option('--max-bytes <n>', 'the longest line').argParser(wholeNumber(1, 2 ** 30)).default(16_777_216))
    .addOption(compressionOption())
    .addOption(acksOption())
    .addOption(
      new Option('--linger <ms>', 'how long a record may wait for company')
        .argParser(wholeNumber(0, 2 ** 31 - 1))
        .default(5),
    )
    .addOption(
      new Option(
        '--timeout <seconds>',
        'give up the first contact (default: 10), and a record (default: 120), after this long',
      ).argParser(wholeNumber(1, 2_000_000)),
    )
    .option('--transaction <id>', 'all or nothing: one transaction, which a bad line, a failure or Ctrl-C takes back')
    .option('--json', 'print the summary as JSON')
    .option('-q, --quiet', 'no progress and no summary')
    .argument('[file]', 'the input; - or nothing for standard input');
  addWatchOptions(command).action(async (file: string | undefined, flags) => {
    const { produce } = await import('../commands/produce.ts');
    context.setExitCode(await produce(file, flags, context.terminal));
  });
}

export function addDemo(context: CommandContext): void {
  const command = subcommand(
    context,
    'demo',
    'Send the example orders, lose a broker on the way, read all back and check it.',
    ['kiel demo', 'kiel demo --inspect', 'kiel demo --brokers localhost:9092 --topic orders --file my.ndjson'],
  );
  addConnectionOptions(command)
    .addOption(new Option('-t, --topic <name>', 'where to, in a cluster of yours'))
    .option('--file <file>', 'other records: one JSON object a line; - for standard input')
    .option('--key-field <path>', 'their key', 'customerId')
    .addOption(compressionOption())
    .option('--json', 'print the result as JSON');
  addWatchOptions(command).action(async (flags) => {
    const { demo } = await import('../commands/demo.ts');
    context.setExitCode(await demo(flags, context.terminal));
  });
  // A cluster is written to only if this command line names it, not because the environment does.
  for (const option of command.options) {
    if (option.long === '--brokers' || option.long === '--config') delete option.envVar;
  }
}

export function addBench(context: CommandContext): void {
  const command = subcommand(context, 'bench', 'Measure how fast records go into a cluster.', [
    'kiel bench -b localhost:9092 -t bench --records 1_000_000 --size 100',
    'kiel bench -t bench --compression lz4 --rate 50_000 --json',
    'kiel bench -t bench --records 20_000_000 --inspect',
  ]);
  addConnectionOptions(command)
    .addOption(new Option('-t, --topic <name>', 'where to').env('KIEL_TOPIC').makeOptionMandatory())
    .addOption(new Option('--records <n>', 'how many').argParser(wholeNumber(1)).default(1_000_000))
    .addOption(new Option('--size <bytes>', 'of each value').argParser(wholeNumber(1, 2 ** 26)).default(100))
    .addOption(new Option('--keys <n>', 'different keys; 0 for none').argParser(wholeNumber(0, 10_000_000)).default(0))
    .addOption(new Option('--rate <n>', 'records a second (default: as many as go)').argParser(wholeNumber(1)))
    .addOption(compressionOption())
    .addOption(acksOption())
    .addOption(
      new Option('--linger <ms>', 'how long a record may wait for company')
        .argParser(wholeNumber(0, 2 ** 31 - 1))
        .default(5),
    )
    .option('--json', 'print the result as JSON');
  addWatchOptions(command).action(async (flags) => {
    const { bench } = await import('../commands/bench.ts');
    context.setExitCode(await bench(flags, context.terminal));
  });
}

export function addMock(context: CommandContext): void {
  subcommand(context, 'mock', 'Run a mock cluster that any Kafka client can talk to, until Ctrl-C.', [
    'kiel mock --port 9092 --topic orders:6',
    'kiel mock --brokers 3 --topic orders:6 --version 3.9 --log',
  ])
    .addOption(
      new Option('--port <n>', 'of the first broker; the others take those after it (default: free ones)').argParser(
        wholeNumber(0, 65_535),
      ),
    )
    .addOption(new Option('--host <address>', 'where to listen').default('127.0.0.1'))
    .addOption(new Option('--brokers <n>', 'how many').argParser(wholeNumber(1, 100)).default(1))
    .addOption(new Option('--topic <name:partitions>', 'a topic; may be repeated').argParser(repeated))
    .option('--version <version>', 'be like this Kafka: 4.4, 3.9, 2.8, 0.8')
    .addOption(new Option('--fault <sentence>', 'what shall go wrong; may be repeated').argParser(repeated))
    .option('--no-auto-create', 'unknown topics stay unknown')
    .option('--log', 'a line for each request')
    .action(async (flags) => {
      const { mock } = await import('../commands/mock.ts');
      context.setExitCode(await mock(flags, context.terminal));
    });
}
