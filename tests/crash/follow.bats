#!/usr/bin/env bats
# Who follows a log file is killed, and its calls torn and failed, one after the other, while the file grows and is rotated, also between its
# lives: then each line is stored once, in order. tests/full/follow.bats meets every call.
load ../lib/mq
load ../lib/background
load ../lib/follow

@test "killed before any call" { fsync=always sweep kill 9 gzip; }
@test "killed in the middle of any write" { fsync=always sweep torn:pwrite 5 rename; }
