#!/bin/sh
# Orders come in by standard input; those of Turkey go to a topic, keyed by customer, and are read back.
# Each part of the pipe is a program of its own, and the first that fails ends it.
set -eu
: "${KIEL_BROKERS:=localhost:9092}"
export KIEL_BROKERS
kiel=${KIEL:-npx kiel}

grep '"country":"TR"' | $kiel produce --topic orders --key-field customerId --compression lz4
$kiel read --topic orders --json | head -n 3
