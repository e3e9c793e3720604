#!/usr/bin/env bats
# As tests/crash/follow.bats, with every call, and what else may come to a call.
load ../lib/mq
load ../lib/background
load ../lib/follow

@test "killed before any call" { fsync=always sweep kill 1 rename; }
@test "killed before any call, and what was rotated is compressed" { fsync=always sweep kill 1 gzip; }
@test "killed before any call, and what was rotated is a copy" { fsync=always sweep kill 2 truncate; }
@test "killed before any call, fsync=never" { fsync=never sweep kill 2 half; }
@test "killed in the middle of any write" { fsync=always sweep torn:pwrite 1 gzip; }
@test "any call says EIO" { fsync=always sweep eio 2 rename; }
@test "any call says ENOSPC" { fsync=always sweep enospc 2 gzip; }
