import { Option } from 'commander';
import { addConnectionOptions, repeated } from '../config/connection-options.ts';
import { inputKinds } from '../decode/input-kinds.ts';
import { type CommandContext, subcommand, wholeNumber } from './subcommand.ts';

export function addRead(context: CommandContext): void {
  const command = subcommand(context, 'read', 'Read records of a topic, by partition, offset or time.', [
    'kiel read -b localhost:9092 -t orders --from beginning',
    'kiel read -t orders -p 3 --from 1200 -n 10 --json',
    'kiel read -t orders --from 2026-03-02T05:30:00Z --follow --json | jq .value',
  ]);
  addConnectionOptions(command)
    .addOption(new Option('-t, --topic <name>', 'where from').env('KIEL_TOPIC').makeOptionMandatory())
    .option('-p, --partition <n,…>', 'these partitions only')
    .option('--from <place>', 'beginning, end, an offset, -N for the last N of each partition, or a date', 'beginning')
    .option('--to <place>', 'where to stop, before it: end, an offset or a date (default: the end as it is now)')
    .addOption(new Option('-n, --count <n>', 'stop after so many records').argParser(wholeNumber(0)))
    .option('--follow', 'stay and print what comes')
    .option('--committed', 'leave out records of transactions that were taken back or are still open')
    .option('--json', 'one JSON object a record: partition, offset, timestamp, headers, key, value')
    .addOption(new Option('--key-separator <text>', 'lines: print the key and this before the value'))
    .addOption(
      new Option('--timeout <seconds>', 'give up after this long without an answer').argParser(
        wholeNumber(1, 2_000_000),
      ),
    )
    .action(async (flags) => {
      const { read } = await import('../commands/read.ts');
      context.setExitCode(await read(flags, context.terminal));
    });
}

export function addMeta(context: CommandContext): void {
  const command = subcommand(context, 'meta', 'Show brokers, topics, leaders, and which versions a broker speaks.', [
    'kiel meta -b localhost:9092',
    'kiel meta -b localhost:9092 -t orders',
    'kiel meta -b localhost:9092 --versions',
  ]);
  addConnectionOptions(command)
    .addOption(new Option('-t, --topic <name>', 'this topic, each partition').argParser(repeated))
    .option('--versions', 'the API versions of each broker beside those kiel knows')
    .option('--internal', "Kafka's own topics too")
    .option('--json', 'print JSON')
    .addOption(new Option('--timeout <seconds>', 'give up after this long').argParser(wholeNumber(1, 2_000_000)))
    .action(async (flags) => {
      const { meta } = await import('../commands/meta.ts');
      context.setExitCode(await meta(flags, context.terminal));
    });
}

export function addDecode(context: CommandContext): void {
  subcommand(
    context,
    'decode',
    'Show what bytes mean: a capture, a stream, a frame, a log segment and the files beside it.',
    [
      'kiel decode capture.pcapng',
      'kiel decode /var/lib/kafka/orders-0/00000000000000000000.log --records',
      'kiel decode /var/lib/kafka/orders-0/00000000000000003340.snapshot',
      'echo 00000014001200030000000100046b69656c00… | kiel decode',
      'tcpdump -i lo -w - port 9092 | kiel decode --follow --api Produce',
    ],
  )
    .addOption(new Option('--as <kind>', 'what it is (default: found out)').choices(inputKinds))
    .option('--text', 'the input is hex or base64 text (default: found out)')
    .option('--api <name,…>', 'only these messages; for --as response, the API it answers')
    .addOption(new Option('--api-version <n>', 'for --as response, its version').argParser(wholeNumber(0, 32_767)))
    .option('--topic <name,…>', 'only messages that name one of these topics; for a segment, the topic it belongs to')
    .option('--correlation <n,…>', 'only these correlation ids')
    .option('--responses <file>', 'for a stream: the bytes the broker sent, paired with the requests')
    .addOption(
      new Option('--port <n,…>', 'ports of brokers, where the capture does not show who called whom').default('9092'),
    )
    .option('--tree', 'each message in full')
    .option('--records', 'each record of a batch')
    .option('--json', 'one JSON object a line: a message of a capture, a record of a segment')
    .option('--follow', 'stay and decode what is added')
    .option('--show-secrets', 'passwords and tokens too, which are left out otherwise')
    .argument('[file]', 'the input; - or nothing for standard input')
    .action(async (file: string | undefined, flags) => {
      const { decode } = await import('../commands/decode.ts');
      context.setExitCode(await decode(file, flags, context.terminal));
    });
}
