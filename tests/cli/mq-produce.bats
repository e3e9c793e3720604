#!/usr/bin/env bats
# mq-produce: what goes in, where it goes, and what it says when it does not.
load ../lib/mq
load ../lib/background
pid= # of the last background

setup() {
	mq_setup
	mq-topic create t
}

# The shape of all records: partition, offset, key, value.
shape() { mq-consume -Z -f '%p/%o %k=%v\n' "$@"; }

# produce INPUT [ARG...]: the input has escapes.
produce() {
	local input=$1

	shift
	printf '%b' "$input" | mq-produce "$@"
}

has_lines() { (($(wc -l <"$1") >= $2)); }
is_stopped() { has_state "$1" T; }

@test "each line is a record, empty ones too, and the last needs no newline" {
	produce 'one\n\nthree\n\nfive' t
	run mq-consume -f '%o:%v\n' t
	assert_output $'0:one\n1:\n2:three\n3:\n4:five'
}

@test "empty input stores nothing and is no failure" {
	run mq-produce t </dev/null
	assert_success
	assert_output ""
	run mq-consume -q --fail-empty t
	assert_failure 1
}

@test "success says nothing" {
	run produce 'a\n' t
	assert_success
	assert_output ""
}

@test "every byte survives" {
	printf '%b' "$(printf '\\x%02x' {0..255})" >all
	mq-produce --whole t all
	mq-produce -D 'NO SUCH' t <all
	head -c 100000 /dev/urandom >random
	mq-produce -D 'NO SUCH' t random
	mq-consume -D '' t | cmp - <(cat all all random)
}

@test "a delimiter is any byte string, also one that comes in two pieces" {
	produce 'a<>b\n<>c<<>d' -D '<>' t
	run mq-consume -D ';' t
	assert_output $'a;b\n;c<;d;'
	(
		printf 'e---f--'
		wait_for 5 mq-consume -q --fail-empty -o 4 t
		printf -- '-g'
	) | mq-produce -D '---' t
	run mq-consume -o -3 t
	assert_output $'e\nf\ng'
}

@test "delimiters have escapes" {
	produce 'a\tb\x01c' -D '\t' t
	produce 'd\x01\x02e' -D '\x01\x02' t
	run mq-consume -f '%v{hex} ' t
	assert_output '61 620163 64 65 '
}

@test "-0 is what find -print0 writes" {
	touch 'a b' $'c\nd'
	find . -maxdepth 1 -type f -print0 | sort -z | mq-produce -0 t
	run mq-consume -f '<%v>' t
	assert_output $'<./a b><./c\nd>'
}

@test "--whole makes a record of each FILE, also of an empty one, and of all of stdin" {
	printf 'x\ny\n' >two
	: >none
	mq-produce --whole t two none
	produce 'p\nq' --whole t
	mq-produce --whole t </dev/null
	run mq-consume -f '%V:%v;' t
	assert_output $'4:x\ny\n;0:;3:p\nq;0:;'
}

@test "-k is the key of all records" {
	produce 'a\nb\n' -k 'my key' t
	run shape t
	assert_output $'0/0 my key=a\n0/1 my key=b'
}

@test "-K splits at the first delimiter, which may be long" {
	produce 'k:v:w\n:v\nk:\n' -K : t
	produce 'a => b => c\n' -K ' => ' t
	run shape t
	assert_output $'0/0 k=v:w\n0/1 =v\n0/2 k=\n0/3 a=b => c'
}

@test "a record without the key's delimiter is 65, named by file and number; those before it are stored" {
	printf 'a:1\nb:2\n' >good
	printf 'c:3\nd\ne:5\n' >bad
	run mq-produce -K : t good bad
	assert_failure 65
	assert_line --index 0 --partial 'mq-produce: bad: record 2: '
	assert_line --index 1 'mq-produce: 3 records stored, 0 unknown'
	run mq-consume t
	assert_output $'1\n2\n3'
	run produce 'x\n' -K : t
	assert_failure 65
	assert_line --index 0 --partial 'stdin: record 1: '
}

@test "-H adds headers in their order" {
	produce 'a\n' -H one=1 -H two=2=2 -H empty= t
	run mq-consume -f '%H %h{%k=%v;}\n' t
	assert_output '3 one=1;two=2=2;empty=;'
}

@test "-Z makes null of an empty value, not of an empty key" {
	produce 'k:\n:v\n' -Z -K : t
	produce '\n' t
	run mq-consume -f '%K %V\n' t
	assert_output $'1 -1\n0 1\n-1 0'
}

@test "-t is the timestamp of all records" {
	produce 'a\n' -t 2026-11-22T10:00:00.250Z t
	produce 'b\n' -t 1700000000123 t
	produce 'c\n' -t +5m t
	run mq-consume -c 2 -f '%d %T\n' t
	assert_output $'2026-11-22T10:00:00.250Z 1795341600250\n2023-11-14T22:13:20.123Z 1700000000123'
	local ahead=$(($(mq-consume -o 2 -f %T t) - $(date +%s%3N)))
	((ahead > 290000 && ahead <= 300000))
}

@test "records bear the time at which they were read, and with LogAppendTime that of storing; -t is 78 there" {
	local before after stamp

	before=$(date +%s%3N)
	produce 'a\n' t
	after=$(date +%s%3N)
	stamp=$(mq-consume -f %T t)
	((before <= stamp && stamp <= after))
	mq-topic create appended -c message.timestamp.type=LogAppendTime
	produce 'a\n' appended
	stamp=$(mq-consume -f %T appended)
	((after <= stamp && stamp <= $(date +%s%3N)))
	run produce 'b\n' -t 2026-11-22 appended
	assert_failure 78
	assert_output --partial LogAppendTime
}

@test "-p chooses the partition; one that is not there is 66" {
	mq-topic create three -p 3
	produce 'a\nb\n' -p 2 -k x three
	run shape three
	assert_output $'2/0 x=a\n2/1 x=b'
	run produce 'a\n' -p 3 three
	assert_failure 66
	assert_line --index 0 --partial 'no partition 3'
	assert_line --index 1 'mq-produce: 0 records stored, 0 unknown'
}

@test "keys go where Kafka's clients send them" {
	local keys=$MQ_ROOT/tests/golden/murmur2.tsv

	mq-topic create seven -p 7
	# The keys in binary, a NUL-free delimiter between them: each 3 bytes that no key has.
	awk '{ k = $1 == "-" ? "" : $1; printf "%s%s\n", k, "fefffd76fcfffd" }' "$keys" | xxd -r -p |
		mq-produce -K '\xfe\xff\xfd' -D '\xfc\xff\xfd' -o '%k{hex}\t%p\n' seven >told
	awk '{ print ($1 == "-" ? "" : $1) "\t" $5 }' "$keys" | sort | diff - <(sort told)
}

@test "records without a key go round, record by record, and the next producer goes on" {
	mq-topic create four -p 4
	produce '0\n1\n2\n3\n4\n5\n' four
	produce '6\n' four
	produce '7\n8\n' four
	run mq-consume -f '%p:%v ' -p 0 four
	assert_output '0:0 0:4 0:8 '
	run mq-consume -f '%p:%v ' -p 3 four
	assert_output '3:3 3:7 '
}

@test "-o tells each record once it is stored, with its place" {
	mq-topic create two -p 2
	run produce 'a\nb\nc\n' -o '%t %p %o %v\n' two
	assert_success
	assert_output $'two 0 0 a\ntwo 0 1 c\ntwo 1 0 b'
	run produce 'd\n' -k x -H h=1 -t 1700000000000 -o '%k %T %h{%k}\n' two
	assert_output 'x 1700000000000 h'
}

@test "-o: what was told can be read, while the input is still open" {
	open_input in
	background mq-produce -o '%o\n' t <in >told
	for i in 0 1 2; do
		echo "line $i" >&4
		wait_for 5 has_lines told $((i + 1))
		run mq-consume -o "$i" t
		assert_output "line $i"
	done
	close_input
	ends "$pid" 0
}

@test "a slow writer's records can be read at once" {
	open_input in
	background mq-produce t <in
	printf 'first\nhalf of the ' >&4
	wait_for 5 mq-consume -q --fail-empty t
	run mq-consume t
	assert_output first
	printf 'second\n' >&4
	wait_for 5 mq-consume -q --fail-empty -o 1 t
	close_input
	ends "$pid" 0
	run mq-consume -o 1 t
	assert_output 'half of the second'
}

@test "FILEs are read in order, - is stdin" {
	echo 1 >one
	printf 3 >three
	echo 4 >four
	echo 2 | mq-produce t one - three four
	run mq-consume t
	assert_output $'1\n2\n3\n4'
}

@test "a FILE may be a pipe" {
	mq-produce t <(echo 1) <(echo 2)
	run mq-consume t
	assert_output $'1\n2'
}

@test "a missing FILE is 66, and nothing is stored, not even of those before it" {
	echo 1 >one
	run mq-produce t one nosuch
	assert_failure 66
	assert_line --index 0 --partial 'mq-produce: nosuch: '
	assert_line --index 1 'mq-produce: 0 records stored, 0 unknown'
	mkdir folder
	run mq-produce t one folder
	assert_failure 66
	run mq-consume -q --fail-empty t
	assert_failure 1
}

@test "a FILE that may not be read is 77, and nothing is stored" {
	need_root
	local d=$BATS_FILE_TMPDIR/open

	mkdir "$d"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$d" "${BATS_RUN_TMPDIR%/*}" 2>/dev/null || true
	echo 1 >"$d/one"
	echo 2 >"$d/two"
	chmod 600 "$d/two"
	cp "$(command -v mq-produce)" "$d/mq-produce"
	run setpriv --reuid nobody --clear-groups "$d/mq-produce" t "$d/one" "$d/two"
	assert_failure 77
	assert_line --index 0 --partial 'two: Permission denied'
}

@test "who may only read cannot produce: 77, before the input is looked at" {
	need_root
	local d

	d=$(mktemp -d)
	chmod 755 "$d"
	cp "$(command -v mq-produce)" "$(command -v mq-consume)" "$d/"
	mq-topic -d "$d/store" create t
	echo a | mq-produce -d "$d/store" t
	chmod -R a+rX "$d"
	run setpriv --reuid nobody --clear-groups "$d/mq-consume" -d "$d/store" t
	assert_success
	assert_output a
	run setpriv --reuid nobody --clear-groups "$d/mq-produce" -d "$d/store" t -- echo b
	rm -r "$d"
	assert_failure 77
	assert_line --index 1 'mq-produce: 0 records stored, 0 unknown'
}

@test "-J: what mq-consume -J prints, each line a record" {
	cat >in <<-'EOF'
		{"topic":"elsewhere","partition":7,"offset":9,"timestamp":1795341600250,"timestamp_type":"CreateTime","key":"k","value":"v\u0000\n","headers":[{"name":"h","value":"1"},{"name":"n","value":null}],"leader_epoch":3}
		{"value":null}
		{"key_base64":"/w==","value_base64":"AP8="}
	EOF
	mq-produce -J t in
	run mq-consume -c 1 -f '%p/%o %T %k=%v{hex} %h{%k:%V;}' t
	assert_output '0/0 1795341600250 k=76000a h:1;n:-1;'
	run mq-consume -o 1 -f '%K %V %k{hex} %v{hex}\n' t
	assert_output $'-1 -1  \n1 2 ff 00ff'
}

@test "-J: what a record does not say is as the options have it" {
	printf '%s\n' '{"value":"a"}' '{"value":"b","key":null,"headers":[],"timestamp":7}' | mq-produce -J -k K -H h=1 -t 1700000000000 t
	run mq-consume -Z -f '%k %T %H\n' t
	assert_output $'K 1700000000000 1\nNULL 7 0'
}

@test "-J: kcat's and rpk's lines are read, too" {
	printf '%s\n' '{"topic":"x","partition":0,"offset":3,"tstype":"create","ts":1700000000000,"broker":1,"headers":["a","1","b",null],"key":null,"payload":"kcat"}' \
		'{"topic":"x","key":"k","value":"rpk","headers":[{"key":"a","value":"1"}],"timestamp":1700000000001,"partition":0,"offset":0}' |
		mq-produce -J t
	run mq-consume -Z -f '%T %k %v %h\n' t
	assert_output $'1700000000000 NULL kcat a=1,b=NULL\n1700000000001 k rpk a=1'
}

@test "-J: a line that is none is 65, named by file and number; those before it are stored" {
	bad() {
		printf '{"value":"good"}\n%s\n{"value":"never"}\n' "$1" >in
		run mq-produce -J t in
		assert_failure 65
		assert_line --index 0 --partial "mq-produce: in: record 2: $2"
		assert_line --index 1 'mq-produce: 1 records stored, 0 unknown'
	}
	bad 'plain text' 'not JSON'
	bad '' 'not JSON'
	bad '{"key":"k"}' 'no "value" in it'
	bad '{"value":"a","vlaue":"b"}' '"vlaue": no such field'
	bad '{"value":"a","value":"b"}' 'not JSON: duplicate'
	bad '{"value":{"a":1}}' '"value": a string or null'
	bad '{"value":"a' 'not JSON'
	bad '{"value":"\ud800"}' 'not JSON'
	bad "$(printf '{"value":"\xff"}')" 'not JSON'
	bad "{\"value\":$(printf '[%.0s' {1..5000})" 'not JSON'
	run mq-consume t
	assert_output "$(printf 'good\n%.0s' {1..10})"
}

@test "-J: a megabyte of escapes is a record, one byte too many is not" {
	mq-topic create big -c max.message.bytes=1048576
	{
		printf '{"value":"'
		head -c 1048000 /dev/zero | sed 's/\x00/\\u0000/g'
		printf '"}\n'
	} >in
	mq-produce -J big in
	run mq-consume -f %V big
	assert_output 1048000
	sed -i "s/^{\"value\":\"/&$(printf 'x%.0s' {1..600})/" in
	run mq-produce -J big in
	assert_failure 65
	assert_line --index 0 --partial 'in: record 1: '
}

@test "-f reads what it prints: texts end what has no length" {
	produce 'k=v:w;=x;' -f '%k=%v;' t
	produce '1795341600250 a\n' -f '%T %v\n' t
	produce 'last' -f '%v\n' t
	run mq-consume -Z -f '%k|%v\n' t
	assert_output $'k|v:w\n|x\nNULL|a\nNULL|last'
	run mq-consume -o 2 -c 1 -f %T t
	assert_output 1795341600250
}

@test "-f: with lengths any bytes are safe, and -1 is null" {
	printf '%b' '\0\0\0\x02k\0\0\0\0\x03a\nb\xff\xff\xff\xff\0\0\0\0' | mq-produce -f '%K{big32}%k%V{big32}%v' t
	produce '1 -1 k\n-1 2 xy\n' -f '%K %V %k%v\n' t
	run mq-consume -f '%K %V %k{hex} %v{hex}\n' t
	assert_output $'2 3 6b00 610a62\n-1 0  \n1 -1 6b \n-1 2  7879'
}

@test "-f: headers come with their number before them" {
	produce 'a 2 x=1;y=;\nb 0 \n' -f '%v %H %h{%k=%v;}\n' t
	run mq-consume -f '%v %h\n' t
	assert_output $'a x=1,y=\nb '
}

@test "-f: a slow writer's records can be read at once, whole ones only" {
	open_input in
	background mq-produce -f '%V %v' t <in
	printf '5 first6 sec' >&4
	wait_for 5 mq-consume -q --fail-empty t
	run mq-consume t
	assert_output first
	printf 'ond' >&4
	wait_for 5 mq-consume -q --fail-empty -o 1 t
	close_input
	ends "$pid" 0
}

@test "-f: input that does not match is 65, named by file, number and byte; those before it are stored" {
	bad() {
		printf '%b' "$2" >in
		run mq-produce -f "$1" t in
		assert_failure 65
		assert_line --index 0 --partial "mq-produce: in: record 2: $3"
		assert_line --index 1 'mq-produce: 1 records stored, 0 unknown'
	}
	bad '%k=%v;' 'a=b;c' 'the input ends in the middle'
	bad '%V %v\n' '1 a\n1 bc\n' 'not the text that the format has at byte 3'
	bad '%V %v\n' '1 a\nx b\n' 'no number at byte 0'
	bad '%V %v\n' '1 a\n5 b\n' 'the input ends in the middle'
	bad '%V{big32}%v' '\0\0\0\x01a\x7f\xff\xff\xffb' 'its value would have 2147483647 bytes'
	bad '%V{hex8}%v' '01a80b' 'its value would have -128 bytes'
	bad '%v{hex}\n' '61\n6\n' 'its value: hexadecimal'
	run mq-consume -D ' ' t
	assert_output 'b a a a a a a '
}

@test "mq-consume -f | mq-produce -f, -J | -J: nothing is lost" {
	local format='%p{big32}%K{big32}%k%V{big32}%v%T{big64}%H{byte}%h{%K{byte}%k%V{big16}%v}'

	mq-topic create from -p 3
	mq-topic create to -p 3
	mq-topic create json -p 3
	head -c 100000 /dev/urandom >any
	mq-produce --whole -k key -H a=1 -H empty= from any
	head -c 50000 /dev/urandom | mq-produce -D a from
	seq 1000 | mq-produce -Z -t 2026-11-22 from
	mq-consume -f "$format" from | mq-produce -p input -f "$format" to
	mq-consume -J from | mq-produce -p input -J json
	for p in 0 1 2; do
		cmp <(mq-consume -p $p -f "$format" to) <(mq-consume -p $p -f "$format" from)
		cmp <(mq-consume -p $p -J json | sed 's/"json"/"from"/') <(mq-consume -p $p -J from)
	done
}

@test "-z: whatever the codec, the records are the same" {
	local codec

	for codec in none gzip gzip:9 snappy lz4 lz4:12 zstd zstd:19; do
		mq-topic create "${codec/:/-}"
		seq 10000 | mq-produce -z "$codec" "${codec/:/-}"
		mq-consume "${codec/:/-}" | cmp - <(seq 10000)
	done
	seq 10 | mq-produce -z zstd -o '%o:%v ' t >told
	assert_equal "$(cat told)" "$(mq-consume -f '%o:%v ' t)"
	run mq-produce -z brotli t </dev/null
	assert_failure 2
	run mq-produce -z zstd:23 t </dev/null
	assert_failure 2
	run mq-produce -z snappy:1 t </dev/null
	assert_failure 2
}

@test "TOPIC -: each record names its topic" {
	mq-topic create u -p 2
	printf '%s\n' '{"topic":"t","value":"1"}' '{"topic":"u","value":"2"}' '{"topic":"t","value":"3"}' | mq-produce -J -
	run mq-consume t
	assert_output $'1\n3'
	run mq-consume u
	assert_output 2
	produce 't 4\nu 5\n' -o '%t %v;' -f '%t %v\n' -
	run mq-consume t
	assert_output $'1\n3\n4'
	produce 'u 1 6\n' -p input -f '%t %p %v\n' -
	run mq-consume -p 1 u
	assert_line 6
}

@test "TOPIC -: whole topics are copied at once" {
	local i

	for i in {1..20}; do
		mq-topic create "in$i"
		mq-topic create "out$i"
		seq "$i" "$((i + 100))" | mq-produce "in$i"
	done
	for i in {1..20}; do mq-consume -J "in$i"; done | sed 's/"topic":"in/"topic":"out/' | shuf --random-source=<(yes) | mq-produce -J -
	for i in {1..20}; do mq-consume "out$i" | sort -n | cmp - <(seq "$i" "$((i + 100))"); done
}

@test "TOPIC -: with few descriptors it works all the same" {
	local i

	for i in {1..8}; do mq-topic create "few$i" -p 2; done
	for _ in 1 2 3; do for i in {1..8}; do echo "few$i 1 $i"; done; done | prlimit --nofile=20 mq-produce -p input -f '%t %p %v\n' -
	for i in {1..8}; do assert_equal "$(mq-consume -D ' ' "few$i")" "$i $i $i "; done
}

@test "TOPIC -: a topic that is not there is 66 and named with the record; what came before it is stored, in all topics" {
	mq-topic create u
	printf '%s\n' 't 1' 'u 2' 'nosuch 3' 't 4' >in
	run mq-produce -f '%t %v\n' - in
	assert_failure 66
	assert_line --index 0 --regexp '^mq-produce: in: record 3: .*nosuch'
	assert_line --index 1 'mq-produce: 2 records stored, 0 unknown'
	run mq-consume t
	assert_output 1
	run mq-consume u
	assert_output 2
	run mq-produce -f '%t %v\n' - <<<'../t x'
	assert_failure 65
	assert_line --index 0 --partial 'stdin: record 1: '
	run mq-produce -J - <<<'{"value":"x"}'
	assert_failure 65
	assert_line --index 0 --partial 'it names no topic'
	run mq-produce -J - <<<'{"topic":"t\u0000u","value":"x"}'
	assert_failure 65
}

@test "-p input: each record names its partition" {
	mq-topic create three -p 3
	printf '%s\n' '{"partition":2,"value":"a"}' '{"partition":0,"value":"b","key":"k"}' | mq-produce -p input -J three
	produce '1 c\n' -p input -f '%p %v\n' three
	run mq-consume -f '%p:%v\n' three
	assert_output $'0:b\n1:c\n2:a'
	run mq-produce -p input -J three <<<'{"value":"a"}'
	assert_failure 65
	assert_line --index 0 --partial 'stdin: record 1: it names no partition'
	run produce '0 d\n3 e\n' -p input -f '%p %v\n' three
	assert_failure 66
	assert_line --index 0 --partial 'stdin: record 2: three: no partition 3'
	assert_line --index 1 'mq-produce: 1 records stored, 0 unknown'
}

@test "what a kcat, rpk or Kafka user types gets one line that says what to type here" {
	hint() {
		local expected=$1

		shift
		run mq-produce "$@" </dev/null
		assert_failure 2
		assert_output --partial "$expected"
		assert_equal "${#lines[@]}" 1
	}
	hint 'to write is mq-produce TOPIC' -P -b localhost -t t
	hint 'no broker' -b localhost -t t
	hint 'the topic is an operand' -t t -l file
	hint 'no broker' --broker-list localhost:9092 --topic t
	hint '-K DELIM' --property parse.key=true t
	hint 'mq-topic alter' -X linger.ms=5 t
	hint '--id NAME' -X enable.idempotence=true t
	hint '--id NAME' --producer-property enable.idempotence=true t
	hint '-z CODEC' --compression-codec zstd t
	hint '-a 1 or -a all' --request-required-acks 1 t
	hint 'mq-topic create' --allow-auto-topic-creation t
	hint 'bytes' --schema-id 1 t
}

@test "-- CMD: its output is the input, its stdin is ours" {
	echo in | mq-produce t -- sed 's/^/through /'
	mq-produce t -- printf 'a b\nc'
	run mq-consume t
	assert_output $'through in\na b\nc'
}

@test "if CMD fails, its unfinished record is dropped and the status is 1" {
	run mq-produce t -- sh -c 'printf "one\ntwo\nthr"; exit 3'
	assert_failure 1
	assert_line --index 0 --partial 'sh: '
	assert_line --index 1 'mq-produce: 2 records stored, 0 unknown'
	run mq-produce t -- sh -c 'echo four; kill -9 $$'
	assert_failure 1
	run mq-produce --whole t -- sh -c 'echo all; false'
	assert_failure 1
	run mq-consume t
	assert_output $'one\ntwo\nfour'
}

@test "a CMD that cannot be run is 78" {
	run mq-produce t -- ./nosuch
	assert_failure 78
	assert_line --index 0 --partial './nosuch'
	assert_line --index 1 'mq-produce: 0 records stored, 0 unknown'
	touch plain
	run mq-produce t -- ./plain
	assert_failure 78
}

@test "a record that is too large is 65, named by number; those before it are stored" {
	mq-topic create small -c max.message.bytes=1000
	{
		echo short
		head -c 900 /dev/zero | tr '\0' x
		echo
		head -c 1000 /dev/zero | tr '\0' y
		echo
		echo never
	} >in
	run mq-produce small in
	assert_failure 65
	assert_line --index 0 --partial 'in: record 3: '
	assert_line --index 1 'mq-produce: 2 records stored, 0 unknown'
	run mq-consume -f '%V ' small
	assert_output '5 900 '
	head -c 3000000 /dev/zero >huge
	run mq-produce small huge
	assert_failure 65
	assert_line --index 0 --partial 'huge: record 1: '
}

@test "records of many megabytes are stored where the topic allows them" {
	mq-topic create big -c max.message.bytes=20M
	head -c 9000000 /dev/urandom >nine
	head -c 2000000 /dev/urandom >two
	echo small | mq-produce --whole big two nine - two
	run mq-consume -f '%V ' big
	assert_output '2000000 9000000 6 2000000 '
	mq-consume -o 1 -c 1 -D '' big | cmp - nine
}

@test "TERM: the records read whole are stored, then it dies of the signal" {
	open_input in
	background mq-produce t <in 2>said
	printf 'a\nb\nunfinished' >&4
	wait_for 5 mq-consume -q --fail-empty -o 1 t
	kill -TERM "$pid"
	ends "$pid" 143
	close_input
	assert_equal "$(cat said)" 'mq-produce: 2 records stored, 0 unknown'
	run mq-consume t
	assert_output $'a\nb'
}

@test "a signal that the parent ignores stays ignored" {
	open_input in
	background bash -c 'trap "" INT; exec mq-produce t' <in
	echo a >&4
	wait_for 5 mq-consume -q --fail-empty t
	kill -INT "$pid"
	echo b >&4
	close_input
	ends "$pid" 0
	run mq-consume t
	assert_output $'a\nb'
}

@test "partitions that are added meanwhile are used" {
	open_input in
	background mq-produce t <in
	echo a >&4
	wait_for 5 mq-consume -q --fail-empty t
	mq-topic alter t -p 2
	printf 'b\n' >&4
	wait_for 5 mq-consume -q --fail-empty -o 1 t
	printf 'c\nd\n' >&4
	close_input
	ends "$pid" 0
	run mq-consume -q --fail-empty -p 1 t
	assert_success
}

@test "a topic that is deleted meanwhile is 66" {
	open_input in
	background mq-produce t <in 2>said
	echo a >&4
	wait_for 5 mq-consume -q --fail-empty t
	mq-topic delete t -y
	echo b >&4
	ends "$pid" 66
	close_input
	run cat said
	assert_line --index 0 --partial 'deleted'
	assert_line --index 1 'mq-produce: 1 records stored, 0 unknown'
}

@test "a lock that is not had in time is 75, and says who holds it" {
	MQ_FAULT=log.append.begun:1:stop background mq-produce t <<<a
	wait_for 5 is_stopped "$pid"
	run mq-produce --timeout 100ms t <<<b
	assert_failure 75
	assert_line --index 0 --partial "$pid"
	assert_line --index 1 'mq-produce: 0 records stored, 0 unknown'
	kill -CONT "$pid"
	ends "$pid" 0
	mq-produce --timeout 100ms t <<<b
	run mq-consume t
	assert_output $'a\nb'
}

@test "a second signal ends it at once, even where it waits for ever" {
	local holder waiter

	MQ_FAULT=log.append.begun:1:stop background mq-produce t <<<a
	holder=$pid
	wait_for 5 is_stopped "$holder"
	background mq-produce --timeout forever t <<<b
	waiter=$pid
	wait_for 5 sleeps_in_lock "$waiter"
	kill -TERM "$waiter"
	wait_for 5 took_signal "$waiter"
	kill -TERM "$waiter"
	ends "$waiter" 143
	kill -CONT "$holder"
	ends "$holder" 0
	run mq-consume t
	assert_output a
}
sleeps_in_lock() { [[ $(cat "/proc/$1/wchan") == *setlk* ]]; }
# No signal is pending any more: it was handled.
took_signal() { grep -q '^ShdPnd:[[:space:]]*0*$' "/proc/$1/status" && grep -q '^SigPnd:[[:space:]]*0*$' "/proc/$1/status"; }

@test "a producer that died with the lock held is no obstacle" {
	MQ_FAULT=log.append.written run -137 mq-produce t <<<lost
	mq-produce --timeout 1s t <<<b
	run mq-consume t
	assert_output b
}

@test "a sync that fails is 74, and its records are unknown" {
	run shimmed eio:1+:fdatasync,fsync mq-produce t <<<$'a\nb'
	assert_failure 74
	assert_line --index -1 'mq-produce: 0 records stored, 2 unknown'
}

@test "a disk without room is 75: nothing of the batch is stored, and so it says" {
	mq-produce t <<<a
	run shimmed enospc:1+:pwrite,fallocate mq-produce t <<<b
	assert_failure 75
	assert_line --index 0 "mq-produce: t/0: $(printf %020d 0).log: write at 69: No space left on device"
	assert_line --index -1 'mq-produce: 0 records stored, 0 unknown'
	run mq-consume t
	assert_output a
}

@test "fsync=never and an interval: records can be read at once, an idle producer syncs when it is time" {
	mq-topic create lazy -c fsync=never
	mq-topic create often -c fsync=200ms
	mq-produce lazy <<<a
	run mq-consume lazy
	assert_output a
	open_input in
	background env MQ_SHIM=kill:0:fdatasync MQ_SHIM_PATH='*.log' MQ_SHIM_LOG="$PWD/synced" LD_PRELOAD="$MQ_BUILD/shim.so" mq-produce often <in
	echo b >&4
	wait_for 5 mq-consume -q --fail-empty often
	wait_for 5 has_lines synced 1
	close_input
	ends "$pid" 0
}

@test "a full stdout is 74, the records are stored all the same" {
	run bash -c 'echo a | mq-produce -o "%o\n" t >/dev/full'
	assert_failure 74
	assert_line --index -1 'mq-produce: 1 records stored, 0 unknown'
	run mq-consume t
	assert_output a
}

@test "-o: a reader that closes early ends it by SIGPIPE, also while it waits, and it says what is stored" {
	seq 200000 >input
	run bash -c 'trap "" PIPE; mq-produce -o "%o\n" t <input 2>said | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_output $'0\n141'
	assert_equal "$(cat said)" "mq-produce: $(mq-consume t | wc -l) records stored, 0 unknown"

	open_input in
	background bash -c 'mq-produce -o "%v\n" t 2>said | head -n 1; echo "${PIPESTATUS[0]}"' <in >got
	echo first >&4
	ends "$pid" 0
	close_input
	assert_equal "$(cat got)" $'first\n141'
	assert_equal "$(cat said)" 'mq-produce: 1 records stored, 0 unknown'
}

@test "--progress tells on stderr how far it is" {
	open_input in
	background mq-produce --progress t <in 2>said
	echo a >&4
	lines_come() {
		echo b >&4
		grep -q '^mq-produce: [0-9]* records, [0-9.]* *[KMG]*B' said
	}
	wait_for 5 lines_come
	close_input
	ends "$pid" 0
}

@test "no store, no topic: 66, and how to make them" {
	run mq-produce nosuch <<<a
	assert_failure 66
	assert_line --index 0 --partial 'mq-topic create nosuch'
	run mq-produce -d ./nostore t <<<a
	assert_failure 66
	assert_line --index 0 --partial 'mq-topic create'
	[[ ! -e nostore ]]
}

@test "a far store is refused, not looked for here" {
	run mq-produce -d host:/dir t <<<a
	assert_failure 78
	run mq-produce -d kafka://host t <<<a
	assert_failure 78
}

@test "options may stand anywhere, joined, with = or apart, and -- ends them" {
	produce 'a,b' t -D, -kx
	produce 'c\n' --key=y t
	produce 'd\n' --key z -a1 t
	mq-produce t -k -w -- printf -- '-e'
	run mq-consume -f '%k%v ' t
	assert_output 'xa xb yc zd -w-e '
}

@test "a mistake in the command line is one line and 2, and stores nothing" {
	check() {
		local expected=$1

		shift
		run mq-produce "$@" <<<a
		assert_failure 2
		assert_output --partial "$expected"
		assert_equal "${#lines[@]}" 1
	}
	check 'TOPIC'
	check 'the topic is an operand' -t t
	check 'no broker' -b localhost t
	check 'mq-consume' -C t
	check 'mq-topic list' -L
	check 'group' -G g t
	check 'no such option' --xyz t
	check '--timeout is one' --timout 1s t
	check 'no such option' -W t
	check 'needs a value' t -k
	check 'takes no value' --whole=x t
	check 'one byte' -D '' t
	check 'one byte' -K '' t
	check 'escape' -D '\q' t
	check 'one of them' -k a -K : t
	check '--whole' --whole -0 t
	check 'NAME=VALUE' -H name t
	check 'not a number' -p one t
	check '1 or all' -a 2 t
	check 'not a duration' --timeout 5 t
	check 'no such verb' -o '%z' t
	check 'topic name' 'a/b'
	check 'not together' t file -- true
	check '-J and -f: one of them' -J -f %v t
	check 'not with -D' -J -0 t
	check 'not with -D' -f '%v\n' -K : t
	check 'not with -D' -J --whole t
	check 'nothing tells where the key ends' -f '%k%v\n' t
	check 'a decimal number ends' -f '%V%v\n' t
	check 'no %v' -f '%k\n' t
	check 'no such verb' -f '%q' t
	check 'no %p in -f' -p input -f '%v\n' t
	check '-p input: only with' -p input t
	check 'needs -J' -
	check 'needs -J' -f '%v\n' -
	check 'command' t --
	run mq-consume -q --fail-empty t
	assert_failure 1
}

@test "what a client of Kafka may say is accepted where it says nothing new" {
	mq-produce -z none -a 1 t <<<a
}

@test "-h shows examples first, -V one line" {
	run mq-produce -h
	assert_success
	assert_line --index 0 --partial 'mq-produce app-log <'
	run mq-produce --version
	assert_success
	assert_output --regexp '^mq-produce [0-9.]+$'
	run bash -c 'mq-produce --help >/dev/full'
	assert_failure 74
}
