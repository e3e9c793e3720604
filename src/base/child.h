/*
 * child: a command of the user's, and the pipe to or from it. Commands are run as given, never through a shell.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

#include "base/compat.h"

struct child {
	pid_t pid;
	const char *name; /* argv[0], borrowed from the caller */
};

/*
 * Start argv (NULL-terminated) with its stdout going into a pipe; *fd is the end to read; stdin and stderr are ours. Signals that this
 * process handles, and SIGPIPE and SIGXFSZ, are at their default there and none is blocked; others that it ignores stay ignored, as
 * nohup(1) wants. STATUS_CONFIG if the command cannot be run.
 */
int child_start_output(char *const argv[], struct child *, int *fd) MUST_USE;

/* Wait until it ends. STATUS_OK for exit status 0, STATUS_NO with a message for anything else. */
int child_wait(struct child *) MUST_USE;

#endif
