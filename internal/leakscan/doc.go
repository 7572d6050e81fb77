// Package leakscan looks for known plaintext in everything that a system wrote. It is the instrument behind the promise
// that nothing clinical lies in the clear: load records whose contents are known, let the system run, stop it, and
// search every byte of its data directory and its logs for what went in.
//
// A needle is searched in these forms: as it is, in any casing, without its separators, in UTF-16, JSON-escaped,
// percent-encoded, in hex and in base64 (both alphabets, all three alignments, so that it is also found inside a longer
// encoded text), as the 16 bytes of a UUID, and as unkeyed SHA-256 (its first 8 bytes suffice, so that a truncated hash
// is found too) in binary, hex and base64. An unkeyed hash of a name, a code or a date is no protection: whoever can
// list the candidates can hash them.
//
// It looks at raw bytes and, recursively, inside: zstd, gzip, zlib and Snappy streams and bare Snappy blocks at any
// offset; Pebble, RocksDB and LevelDB tables (all versions of every key, deleted ones included); their write-ahead logs
// and manifests, whose records are cut into chunks; CometBFT's consensus WAL; Pebble databases opened as a whole; and
// protobuf fields that only joined across records hold a value (parts of a block); all of it up to six levels deep. What
// cannot be opened is reported: it was not searched.
//
// # Minimal lengths
//
// Sealed data is random, so short needles turn up by chance. In V bytes a given string of n bytes is expected
// V/256^n times. With V = 50 MB, 6 bytes are expected 2e-7 times: a hundred names of that length in three casings make
// one false alarm in 20 000 runs, 5 bytes would make one in 80. So texts need [MinText] = 6 bytes, and up to 7 bytes
// are searched only as written, in lower and in upper case; from 8 bytes on any mixture of casings counts, where chance
// has (1/128)^8. Base64 without its unsure edges keeps at least 7 characters of 6 bytes.
//
// Values made of digits only need [MinDigits] = 8: logs and metrics are full of numbers. Below 12 digits they count
// as found only where no further digit touches them, so that a nanosecond count does not pass for a code.
//
// Not looked for: values turned into numbers (a birth date as seconds), other hashes than SHA-256, hashes of a value
// together with something that the caller did not name as a needle, and encryption that is merely weak.
package leakscan
