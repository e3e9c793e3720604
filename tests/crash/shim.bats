#!/usr/bin/env bats
# The interposer itself: what it says it does to a call is what happens to the file.
load ../lib/mq

# mq-writer FILE...: makes each file by open, fchmod, two writes of ten bytes by pwrite and pwritev, ftruncate, fdatasync, rename.
setup_file() {
	cat >"$BATS_FILE_TMPDIR/writer.c" <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fail(const char *what) { printf("%s: %s\n", what, strerror(errno)); return 1; }

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char tmp[4096];
		struct iovec v[2] = {{"klmno", 5}, {"pqrst", 5}};
		int fd;
		ssize_t n;

		snprintf(tmp, sizeof(tmp), "%s.tmp", argv[i]);
		if ((fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0) return fail("open");
		if (fchmod(fd, 0640) != 0) return fail("fchmod");
		if ((n = pwrite(fd, "abcdefghij", 10, 0)) != 10) return n < 0 ? fail("pwrite") : (printf("pwrite: %zd\n", n), 1);
		if ((n = pwritev(fd, v, 2, 10)) != 10) return n < 0 ? fail("pwritev") : (printf("pwritev: %zd\n", n), 1);
		if (ftruncate(fd, 15) != 0) return fail("ftruncate");
		if (fdatasync(fd) != 0) return fail("fdatasync");
		if (rename(tmp, argv[i]) != 0) return fail("rename");
		close(fd);
	}
	puts("written");
	return 0;
}
END
	gcc -O2 -o "$BATS_FILE_TMPDIR/mq-writer" "$BATS_FILE_TMPDIR/writer.c"
	gcc -O2 -D_FORTIFY_SOURCE=2 -D_FILE_OFFSET_BITS=64 -o "$BATS_FILE_TMPDIR/mq-writer64" "$BATS_FILE_TMPDIR/writer.c"
	gcc -O1 -fsanitize=address,undefined -static-libasan -static-libubsan -o "$BATS_FILE_TMPDIR/mq-writer-asan" \
		"$BATS_FILE_TMPDIR/writer.c"
	cp "$BATS_FILE_TMPDIR/mq-writer" "$BATS_FILE_TMPDIR/other"
}

setup() {
	mq_setup
	PATH=$BATS_FILE_TMPDIR:$PATH
}

@test "K = 0 counts, also 64-bit and fortified programs and those with sanitizers" {
	for program in mq-writer mq-writer64 mq-writer-asan; do
		MQ_SHIM_LOG=$PWD/log run -0 shimmed count:0 $program a
		assert_output written
		assert_equal "$(shim_count)" 7
		run -0 awk '{ printf "%s ", $4 }' log
		assert_output "open fchmod pwrite pwritev ftruncate fdatasync rename "
		rm log
	done
}

@test "kill comes before the K-th call, whatever K is" {
	local seen=()

	for k in 1 2 3 4 5 6 7; do
		rm -f a a.tmp
		run -137 shimmed kill:$k mq-writer a
		[[ ! -e a ]]
		seen+=("$(stat -c %s a.tmp 2>/dev/null || echo none)")
	done
	assert_equal "${seen[*]}" "none 0 0 10 20 15 15"
	run -0 shimmed kill:8 mq-writer a
}

@test "torn writes half and kills" {
	run -137 shimmed torn:3 mq-writer a
	assert_equal "$(<a.tmp)" abcde
	run -137 shimmed torn:1:pwritev mq-writer a
	assert_equal "$(<a.tmp)" abcdefghijklmno
	rm a.tmp
	run -137 shimmed torn:1:rename mq-writer a
	assert_equal "$(<a.tmp)" abcdefghijklmno
}

@test "short writes half and says so" {
	run -1 shimmed short:1:pwrite mq-writer a
	assert_output "pwrite: 5"
	run -1 shimmed short:1:pwritev mq-writer-asan a
	assert_output "pwritev: 5"
}

@test "eio, enospc and eintr fail the call with nothing done" {
	run -1 shimmed eio:1:fsync,fdatasync mq-writer a
	assert_output "fdatasync: Input/output error"
	run -1 shimmed enospc:1:pwritev mq-writer64 a
	assert_output "pwritev: No space left on device"
	assert_equal "$(stat -c %s a.tmp)" 10
	run -1 shimmed eintr:1:open mq-writer a
	assert_output "open: Interrupted system call"
	run -0 shimmed eintr:1:rename mq-writer a
}

@test "K+ goes on failing" {
	run -0 shimmed enospc:2+:pwrite sh -c 'for f in a b c; do mq-writer $f; done; exit 0'
	assert_output "$(printf '%s\n' written "pwrite: No space left on device" "pwrite: No space left on device")"
	run -0 shimmed enospc:2:pwrite sh -c 'for f in a b c; do mq-writer $f; done'
	assert_equal "${lines[*]}" "written pwrite: No space left on device written"
}

@test "the counter is one for all processes" {
	run -0 shimmed count:0 sh -c 'mq-writer a | mq-writer b; mq-writer c d'
	assert_equal "$(shim_count)" 28
	run -137 shimmed kill:17 sh -c 'mq-writer a; mq-writer b; exec mq-writer c'
	assert_equal "$(stat -c %s c.tmp)" 0
}

@test "only programs and paths that are named are touched" {
	run -0 shimmed kill:1 other a
	assert_equal "$(shim_count)" 0
	MQ_SHIM_PROG=oth run -137 shimmed kill:1 other a
	MQ_SHIM_PATH='*b.tmp' run -1 shimmed eio:1:pwrite mq-writer a b
	assert_equal "$(shim_count)" 1
	[[ -e a && ! -e b ]]
}

@test "stop stops, and the call goes on" {
	shim stop:1:rename
	"${SHIM[@]}" mq-writer a >out 3>&- &
	pid=$!
	wait_for 5 has_state $pid T
	[[ ! -e a && -e a.tmp ]]
	kill -CONT $pid
	wait $pid
	assert_equal "$(<out)" written
}
