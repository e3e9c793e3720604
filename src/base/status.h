/*
 * status: what a function returns, and the one message that explains it.
 *
 * Every function that can fail returns an enum status; results go through out-pointers and are written only on STATUS_OK.
 * The message is made once, where the fault is seen, and kept here until the program prints it:
 *
 *	return status_fail(STATUS_DATA, "record %llu: no delimiter", n);		where it is seen
 *	return status_context(rc, "%s/%d", topic, partition);				on the way up, at most once a floor
 *	errx-like printing and status_exit(rc)						in main
 *
 * The values that a user may see are the exit statuses of mq(7), negated.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdarg.h>

#include "base/compat.h"

enum status {
	STATUS_OK = 0,
	STATUS_NO = -1,		  /* the answer is no */
	STATUS_USAGE = -2,	  /* usage */
	STATUS_DATA = -65,	  /* bad input record */
	STATUS_MISSING = -66,	  /* no such store, topic, partition, file */
	STATUS_UNAVAILABLE = -69, /* a far end does not answer */
	STATUS_EXISTS = -73,	  /* it exists, or cannot be made */
	STATUS_IO = -74,	  /* I/O error or damaged data; what was published may be stored */
	STATUS_AGAIN = -75,	  /* nothing of it was stored; a retry is safe */
	STATUS_FENCED = -76,	  /* replaced by another */
	STATUS_PERMISSION = -77,  /* permission */
	STATUS_CONFIG = -78,	  /* bad configuration */

	/* Between floors; a user never sees these, but for the first as STATUS_IO. */
	STATUS_READ_ONLY = -199,      /* damaged, or its disk failed: takes no appends, and nothing was stored */
	STATUS_RECOVER = -200,	      /* the page cannot be trusted: recover and call again */
	STATUS_INTENT = -201,	      /* intents wait: apply them and call again */
	STATUS_GONE = -202,	      /* the log was rebuilt or cut: reopen and look again */
	STATUS_END = -203,	      /* nothing more */
	STATUS_CORRUPT = -204,	      /* bytes are no valid batch; the caller knows whether that is damage or a torn tail */
	STATUS_CONFIG_CHANGED = -205, /* the topic's settings or epoch changed: load them and call again */
};

/* Keep the message and return rc, so that a caller can write `return status_fail(...)`. */
int status_fail(int rc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * The same for a failed system call: the message gets strerror(errno) and the status follows errno: no room (ENOSPC, EDQUOT,
 * EFBIG) and what the kernel is short of (ENOMEM, EMFILE, ENFILE, ENOLCK, EAGAIN) are STATUS_AGAIN, EACCES, EPERM and EROFS
 * STATUS_PERMISSION, ENOENT and ENOTDIR STATUS_MISSING, EEXIST and ENOTEMPTY STATUS_EXISTS, all else STATUS_IO.
 */
int status_errno(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Put "context: " before the message and return rc. */
int status_context(int rc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Out of memory while doing `what`: STATUS_AGAIN. */
int status_no_memory(const char *what);

/* The last message of this thread, "" if there is none; valid until its next failure. A message too long is cut. */
const char *status_message(void);
void status_clear(void);

/* The exit status for rc: 0 to 78. A status that no user may see is a mistake of ours and ends as 70. */
int status_exit(int rc);

#endif
