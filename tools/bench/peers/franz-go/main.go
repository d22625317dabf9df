// Franz-go, a Kafka client in Go: a Produce with a callback, record by record. Arguments: name=value.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type message struct{ key, value []byte }

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}

func readMessages(file string) (messages []message) {
	all, err := os.ReadFile(file)
	fail(err)
	field := func() []byte {
		size := binary.BigEndian.Uint32(all)
		bytes := all[4 : 4+size]
		all = all[4+size:]
		return bytes
	}
	for len(all) > 0 {
		m := message{key: field()}
		if len(m.key) == 0 {
			m.key = nil
		}
		m.value = field()
		messages = append(messages, m)
	}
	return messages
}

func cpuMicros() float64 {
	var u syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec)*1e6 + float64(u.Utime.Usec+u.Stime.Usec)
}

func peakMb() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			kb, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			return kb / 1024
		}
	}
	return 0
}

func main() {
	options := map[string]string{}
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		options[name] = value
	}
	number := func(name string) int {
		n, err := strconv.Atoi(options[name])
		fail(err)
		return n
	}
	messages, count, warmup, way := readMessages(options["data"]), number("records"), number("warmup"), options["way"]
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(options["broker"]), kgo.ClientID("bench"), kgo.DefaultProduceTopic(options["topic"]),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(time.Duration(number("linger"))*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1000000), kgo.ProducerBatchCompression(codecs[options["compression"]]),
		kgo.MaxBufferedRecords(100000), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)
	fail(err)

	var failure atomic.Pointer[error]
	run := func(way string, n int, latencies []float64) {
		var open sync.WaitGroup
		begin := time.Now()
		for i := 0; i < n; i++ {
			if way == "paced" {
				time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Millisecond)))
			}
			m := &messages[i%len(messages)]
			record := &kgo.Record{Key: m.key, Value: m.value}
			open.Add(1)
			if latencies == nil {
				client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
					if err != nil {
						failure.Store(&err)
					}
					open.Done()
				})
				if way == "sequential" {
					open.Wait()
				}
				continue
			}
			start, at := time.Now(), i
			client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
				latencies[at] = float64(time.Since(start).Nanoseconds()) / 1e3
				if err != nil {
					failure.Store(&err)
				}
				open.Done()
			})
			if way == "sequential" {
				open.Wait()
			}
		}
		open.Wait()
	}
	timed := way == "sequential" || way == "paced"
	if timed {
		run("sequential", warmup, nil)
	} else {
		run(way, warmup, nil)
	}
	var latencies []float64
	if timed {
		latencies = make([]float64, count)
	}
	cpu, start := cpuMicros(), time.Now()
	run(way, count, latencies)
	seconds := time.Since(start).Seconds()
	cpu = (cpuMicros() - cpu) / float64(count)
	if err := failure.Load(); err != nil {
		fail(*err)
	}
	p50, p99 := "null", "null"
	if timed {
		sort.Float64s(latencies)
		p50 = fmt.Sprintf("%.1f", latencies[(count+1)/2-1])
		p99 = fmt.Sprintf("%.1f", latencies[(count*99+99)/100-1])
	}
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/twmb/franz-go" {
				version = strings.TrimPrefix(dep.Version, "v")
			}
		}
	}
	fmt.Printf("{\"version\":%q,\"sent\":%d,\"seconds\":%.6f,\"recordsPerSecond\":%.1f,\"cpuMicros\":%.5f,\"peakMb\":%.1f,\"p50Micros\":%s,\"p99Micros\":%s}\n",
		version, count+warmup, seconds, float64(count)/seconds, cpu, peakMb(), p50, p99)
	client.Close()
}
