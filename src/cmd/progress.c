#include "cmd/progress.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"

#define PROGRESS_MS 1000

void
progress_init(struct progress *p, bool asked)
{
	p->terminal = isatty(STDERR_FILENO) != 0;
	p->on = asked || (p->terminal && isatty(STDIN_FILENO) == 0);
	p->shown = false;
	p->next_ms = p->on ? clock_deadline(PROGRESS_MS) : DEADLINE_NEVER;
}

void
progress_show(struct progress *p, uint64_t records, uint64_t bytes)
{
	char size[16];

	if (!p->on || !clock_passed(p->next_ms))
		return;
	p->next_ms = clock_deadline(PROGRESS_MS);
	(void)humanize_number(size, sizeof(size), (int64_t)bytes, "B", HN_AUTOSCALE, HN_DECIMAL | HN_B);
	if (!p->terminal) {
		cmd_warn("%llu records, %s", (unsigned long long)records, size);
		return;
	}
	(void)fprintf(stderr, "\r%s: %llu records, %s\033[K", cmd_program(), (unsigned long long)records, size);
	p->shown = true;
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}
