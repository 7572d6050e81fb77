// Package bench measures a FHIR R4 server over HTTP, ours or any other: Patient create, read by id, the search
// Observation?patient=…&code=…, and ingest of transaction Bundles.
//
// # Method
//
// The load is closed-loop: at concurrency c, c workers each send a request, read the whole answer, and send the next, over kept HTTP/1.1
// connections. There is no think time and no retry. Each combination is warmed up first; what was in flight at the end of the warm-up
// belongs to it.
//
// An answer other than 2xx is an error, and errors have no latency: a server that fails fast does not look fast. An ingest answer also
// counts as an error unless every entry of the Bundle was answered with 2xx, since some servers process a transaction as a batch.
//
// Throughput is the sum over the workers of (requests ÷ time until this worker's last answer). A plain count over the nominal time would
// cut off the requests in flight at the end, which matters where one takes seconds, and a count over the time of the very last answer
// would charge the server for workers that had nothing left to do.
//
// Latencies go into a logarithmic histogram with a resolution of 0.8 %; the maximum is exact. Random choices are seeded by worker number,
// so two servers see the same sequence as long as they hold the same data.
//
// # What it changes
//
// create and ingest add data to the server and leave it there. Every created Patient has identifiers of its own, and Bundles are posted
// again under no Idempotency-Key, so every answer stands for real work. read and search use what the server holds if that is enough, and
// else load some Bundles first.
package bench
