#include "base/fault.h"

#include <bsd/string.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/status.h"

#define POINT_MAX_BYTES 128

bool fault_armed;

static char armed_name[POINT_MAX_BYTES];
static int64_t passages_left;
static int armed_signal;

int
fault_arm(void)
{
	const char *text = getenv("MQ_FAULT"), *number, *action;
	char copy[POINT_MAX_BYTES], *rest = copy, *name;
	int64_t passages = 1;

	if (text == NULL)
		return STATUS_OK;
	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return status_fail(STATUS_USAGE, "MQ_FAULT: %s: too long", text);
	name = strsep(&rest, ":");
	number = strsep(&rest, ":");
	action = rest;
	if (*name == '\0')
		return status_fail(STATUS_USAGE, "MQ_FAULT: %s: no name", text);
	if (number != NULL && parse_int64(number, 1, INT64_MAX, &passages) != STATUS_OK)
		return status_context(STATUS_USAGE, "MQ_FAULT");
	if (action != NULL && strcmp(action, "stop") != 0)
		return status_fail(STATUS_USAGE, "MQ_FAULT: %s: the action is stop, or none", text);
	(void)strlcpy(armed_name, name, sizeof(armed_name));
	passages_left = passages;
	armed_signal = action != NULL ? SIGSTOP : SIGKILL;
	fault_armed = true;
	return STATUS_OK;
}

void
fault_pass(const char *name)
{
	if (strcmp(name, armed_name) == 0 && --passages_left == 0)
		(void)kill(getpid(), armed_signal);
}
