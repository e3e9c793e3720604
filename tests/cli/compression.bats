# Compressed batches: what is stored, what comes back, who decides.

load ../lib/mq

setup() {
	mq_setup
	seq 1000 | sed 's/$/ the same words again and again/' >input
	mq-topic create t
}

# The codecs of the topic's batches, each once.
codecs() { mq-dump --json t/0 | jq -r .codec | sort -u | tr '\n' ' '; }

@test "every codec and level comes back as it went in, and is smaller" {
	for z in gzip gzip:1 gzip:9 snappy lz4 lz4:12 zstd zstd:1 zstd:19; do
		mq-topic delete -y t
		mq-topic create t
		mq-produce -z $z t <input
		mq-consume t | cmp - input
		assert_equal "$(codecs)" "${z%:*} "
		(($(stat -c %s "$MQ_DIR"/topics/t/t-0/*.log) < $(stat -c %s input) / 2)) || fail "$z did not shrink it"
	done
}

@test "a codec that nobody knows, or a level that it has not, is refused and stores nothing" {
	for z in lz5 zstd:23 gzip:0 snappy:1 ''; do
		run --separate-stderr -2 mq-produce -z "$z" t <input
	done
	assert_equal "$(mq-consume t | wc -l)" 0
}

@test "the topic's codec wins over its producers'" {
	mq-topic alter t -c compression.type=zstd
	mq-produce -z gzip t <input
	mq-produce t <input
	assert_equal "$(codecs)" "zstd "
	mq-topic alter t -c compression.type=uncompressed
	mq-produce -z gzip -o '%o\n' t <input >told
	assert_equal "$(tail -n 1 told)" 2999
	assert_equal "$(codecs)" "none zstd "
	cat input input input | cmp - <(mq-consume t)
}

@test "offsets, times and keys are found in compressed batches" {
	mq-produce -z lz4 -t 2026-01-01 -K ' ' t <input
	mq-produce -z lz4 -t 2026-01-02 t <<<later
	assert_equal "$(mq-consume -o 499:501 -K ' ' t)" "$(sed -n 500,501p input)"
	assert_equal "$(mq-consume -o @2026-01-02 t)" later
	assert_equal "$(mq-consume -o -1 t)" later
}

@test "what does not shrink is stored all the same, up to the largest batch" {
	head -c 1048000 /dev/urandom >random
	for z in gzip snappy lz4 zstd; do
		mq-topic delete -y t
		mq-topic create t
		mq-produce --whole -z $z t random
		mq-consume -D '' t | cmp - random
	done
}

@test "a report tells what was stored, also through a codec" {
	mq-produce -z zstd -o '%p %o %v\n' t <input >told
	awk '{print "0 " NR-1 " " $0}' input | cmp - told
}
