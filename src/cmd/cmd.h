/*
 * cmd: what every program does alike: how it starts, speaks, asks and ends.
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		struct produce_options o;
 *		int rc;
 *
 *		cmd_start("mq-produce", help);
 *		if ((rc = parse(&o, argc, argv)) == STATUS_OK)
 *			rc = produce(&o);
 *		return cmd_finish(rc);
 *	}
 *
 * Data goes to stdout, words to stderr, each line beginning with the program's name. Options are args.h's.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"
#include "store/store.h"
#include "store/topic.h"

#define MQ_VERSION "0.1"

/*
 * The first call of main. `help` is what -h prints: examples first. From here on a closed pipe kills with SIGPIPE even if the parent
 * ignores it, and descriptors 0 to 2 are open, so that no file of the store can be taken for one of them.
 */
void cmd_start(const char *program, const char *help);

/*
 * The last call of main: prints the message of a failure, and makes sure that stdout took everything (74 if not). Returns what main
 * returns; if cmd_catch_signals was called and a signal came, the program dies of it here.
 */
int cmd_finish(int rc);

/* "mq-topic", as given to cmd_start. */
const char *cmd_program(void);

/* Print the status message and forget it: for a failure after which the program goes on. */
void cmd_error(void);
/* A line on stderr: "mq-topic: ...". */
void cmd_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Print help or version on stdout and end with 0. */
NORETURN void cmd_help(void);
NORETURN void cmd_version(void);

/* The store that -d (NULL: not given) or the environment names. cmd_make_store makes it if it is missing. */
int cmd_open_store(const char *option, struct store **) MUST_USE;
int cmd_make_store(const char *option, int64_t deadline_ms, struct store **) MUST_USE;

/* topic_open; what the topic has to tell (topic_on_notice) becomes lines on stderr. */
int cmd_open_topic(struct store *, const char *name, struct topic **) MUST_USE;

/*
 * Ask before something is deleted: "fmt [y/N] " on stderr. STATUS_OK if `yes` (-y) or the answer is; STATUS_NO if it is not; STATUS_USAGE
 * if nobody is there to ask: stdin or stderr is no terminal.
 */
int cmd_confirm(bool yes, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;

/*
 * From now on the first INT or TERM is only noted, and interrupts what waits; a second one kills. One that the parent ignores stays
 * ignored.
 */
void cmd_catch_signals(void);
/* From now on PIPE is noted in the same way, for who has something to say before it dies. The write that it came of fails. */
void cmd_catch_pipe(void);
/* The signal that came, 0 if none did. */
int cmd_signal(void);
/* Go on, or end, as if it had not come. */
void cmd_forget_signal(void);
/*
 * Wait until the descriptor can be read (or has ended), a signal was noted, or timeout_ms passed (negative: no limit). True if it can
 * be read. A signal that comes before the wait ends it too. If the reader of `out` (-1: none) is gone meanwhile, it is as if we had written
 * to it: SIGPIPE.
 */
bool cmd_wait_input(int fd, int out, int64_t timeout_ms);

#endif
