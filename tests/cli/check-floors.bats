#!/usr/bin/env bats
# scripts/check-floors: each fault is planted in a small tree and must be told with its place.
load ../lib/mq

setup() {
	mq_setup
	mkdir -p src/base src/log src/store src/cmd
	echo '#include <stdint.h>' >src/base/buf.h
	echo '#include "base/buf.h"' >src/base/buf.c
}

check_floors() { run "$MQ_ROOT/scripts/check-floors" "$BATS_TEST_TMPDIR"; }

@test "a tree that keeps its floors passes" {
	printf '%s\n' '#include "log/batch.h"' '#include "base/buf.h"' >src/log/batch.c
	echo '#include "base/buf.h"' >src/log/batch.h
	printf '%s\n' '#include <stdio.h>' '#include "log/batch.h"' 'int main(void) { printf(""); }' >src/cmd/mq-x.c
	printf '%s\n' '#include "base/file.h"' 'int fd = open(".", 0);' >src/base/file.c
	touch src/base/file.h
	check_floors
	assert_success
	assert_output ""
}

@test "an include of a higher floor is told" {
	echo '#include "log/batch.h"' >>src/base/buf.c
	check_floors
	assert_failure 1
	assert_output 'src/base/buf.c:2: "log/batch.h": base must not include the higher floor log'
}

@test "an include must name its floor, and only headers are included" {
	printf '#include "%s"\n' base/buf.h buf.h base/buf.c ../base/buf.h >src/base/buf.c
	check_floors
	assert_failure 1
	assert_line --index 0 --partial 'src/base/buf.c:2: "buf.h"'
	assert_line --index 1 --partial 'src/base/buf.c:3: "base/buf.c"'
	assert_line --index 2 --partial 'src/base/buf.c:4: "../base/buf.h"'
	assert_equal "${#lines[@]}" 3
}

@test "a .c includes its own header first" {
	printf '%s\n' '#include <stdio.h>' '#include "base/buf.h"' >src/base/buf.c
	check_floors
	assert_failure 1
	assert_output 'src/base/buf.c:1: the first include must be its own header'
}

@test "rooms that include each other are told" {
	echo '#include "base/lock.h"' >>src/base/buf.c
	echo '#include "base/buf.h"' >src/base/lock.h
	check_floors
	assert_failure 1
	assert_output --regexp 'src/base/(buf|lock)\.[ch]:[12]: .* in a circle:'
}

@test "calls outside their room are told, and only calls" {
	cat >>src/base/buf.c <<'END'
/* open("a") in a comment, fsync(1)
 * rename("a", "b") */
char *s = "unlink(\"a\")"; char c = '"'; // fork()
struct flock fl; int my_write(int), open; int x = o->write(1) + o.rename (2);
int a = open("x", 0);
int b = c == '\'' ? fsync (1) : 0; /* and */ int d = pwrite(1, 2, 3);
int e = fcntl(1, F_OFD_SETLK, &fl);
int f = syscall(SYS_futex, FUTEX_WAIT);
int g = fork();
int h = printf("x");
END
	check_floors
	assert_failure 1
	assert_output - <<'END'
src/base/buf.c:6: open: only src/base/file.c may
src/base/buf.c:7: fsync: only src/base/file.c may
src/base/buf.c:7: pwrite: only src/base/file.c may
src/base/buf.c:8: F_OFD_SETLK: only src/base/lock.c may
src/base/buf.c:9: SYS_futex: only src/base/wait.c may
src/base/buf.c:9: FUTEX_WAIT: only src/base/wait.c may
src/base/buf.c:10: fork: only src/base/child.c may
src/base/buf.c:11: printf: only src/cmd/ may
END
}

@test "a folder that is no floor is told" {
	mkdir src/util
	touch src/util/misc.h
	check_floors
	assert_failure 1
	assert_output --partial 'src/util/misc.h'
}
