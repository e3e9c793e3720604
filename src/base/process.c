#include "base/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

/* The state letter and its word from /proc/PID/stat: "(command) S ...". */
const char *
process_state(int pid)
{
	char path[64];
	struct buf text = BUF_EMPTY;
	const char *word = "gone", *parenthesis;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read_all(AT_FDCWD, path, 4096, &text) == STATUS_OK && buf_append_byte(&text, '\0') == STATUS_OK &&
	    (parenthesis = strrchr((const char *)text.data, ')')) != NULL && parenthesis[1] == ' ')
		word = parenthesis[2] == 'T' || parenthesis[2] == 't' ? "stopped"
		    : parenthesis[2] == 'D'			      ? "waiting for the disk"
		    : parenthesis[2] == 'Z'			      ? "gone"
								      : "running";
	buf_free(&text);
	return word;
}
