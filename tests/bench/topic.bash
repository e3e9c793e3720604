# topic.bash: topics of a benchmark.

# new_topic NAME [OPTION...]: an empty one, whatever there was.  What the kernel does at its own time is no part of a measurement, so it
# is fsync=never unless an option says otherwise.
new_topic() {
	local name=$1

	shift
	if [[ -d $MQ_DIR/topics/$name ]]; then
		mq-topic delete -y "$name" >/dev/null || return
	fi
	mq-topic create "$name" -c fsync=never "$@"
}

# holds NAME [COUNT]: so many records are in it; $lines unless said otherwise.  A benchmark of a program that does nothing would look good.
holds() {
	local count

	count=$(mq-topic offsets --tsv "$1" | awk 'NR > 1 { n += $3 } END { printf "%d", n }')
	[[ $count == "${2:-$lines}" ]] || fail "$1 holds $count records, not ${2:-$lines}"
}

# is FILE TEXT: so it must be.
is() {
	[[ $(<"$1") == "$2" ]] || fail "$1 is '$(head -c 100 "$1")', not '$2'"
}

# forget_page NAME: a copied file `heads` is not believed, so that the next to open the topic looks at its files.
forget_page() {
	cp "$MQ_DIR/topics/$1/heads" heads.copy && mv heads.copy "$MQ_DIR/topics/$1/heads"
}

# another_boot NAME: the page of its partition 0 is of another boot, so that the next to open it recovers.
another_boot() {
	printf 'another boot id.' | dd of="$MQ_DIR/topics/$1/heads" bs=4096 seek=1 conv=notrunc status=none
}
