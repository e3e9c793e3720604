#include "base/status.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 2048

static _Thread_local char message[MESSAGE_BYTES];

static void
set_message(const char *fmt, va_list ap)
{
	char text[MESSAGE_BYTES] = "";

	/* Into a copy first: an argument may be the message itself. */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)strlcpy(message, text, sizeof(message));
}

int
status_fail(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_message(fmt, ap);
	va_end(ap);
	return rc;
}

static int
status_of_errno(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOLCK:
	case EAGAIN:
		return STATUS_AGAIN;
	case EACCES:
	case EPERM:
	case EROFS:
		return STATUS_PERMISSION;
	case ENOENT:
	case ENOTDIR:
		return STATUS_MISSING;
	case EEXIST:
	case ENOTEMPTY:
		return STATUS_EXISTS;
	default:
		return STATUS_IO;
	}
}

int
status_errno(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	set_message(fmt, ap);
	va_end(ap);
	return status_fail(status_of_errno(error), "%s: %s", message, strerror(error));
}

int
status_context(int rc, const char *fmt, ...)
{
	char old[MESSAGE_BYTES];
	va_list ap;

	(void)strlcpy(old, message, sizeof(old));
	va_start(ap, fmt);
	set_message(fmt, ap);
	va_end(ap);
	return status_fail(rc, "%s: %s", message, old);
}

int
status_no_memory(const char *what)
{
	return status_fail(STATUS_AGAIN, "%s: out of memory", what);
}

const char *
status_message(void)
{
	return message;
}

void
status_clear(void)
{
	message[0] = '\0';
}

int
status_exit(int rc)
{
	if (rc == STATUS_READ_ONLY)
		rc = STATUS_IO;
	if (rc <= 0 && rc >= -78)
		return -rc;
	return 70;
}
