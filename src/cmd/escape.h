/*
 * escape: any bytes as text that a terminal, a TSV file or a JSON parser takes.
 */
#ifndef CMD_ESCAPE_H
#define CMD_ESCAPE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Append bytes as UTF-8 that is safe on any terminal: tabs, newlines and backslashes as \t, \n, \\; other control characters, the
 * characters in `also`, and what is not UTF-8 as \xNN. parse_escapes reads it. All here are STATUS_AGAIN without memory.
 */
int escape_text(struct buf *, const void *bytes, size_t len, const char *also) MUST_USE;

/* True also for no bytes. */
bool escape_is_utf8(const void *bytes, size_t len);
/* Append a JSON string. STATUS_DATA if the text is not UTF-8. */
int escape_json(struct buf *, const void *text, size_t len) MUST_USE;
/* Append "NAME":"...", or "NAME_base64":"..." if the bytes are not UTF-8, or "NAME":null if they are NULL. */
int escape_json_member(struct buf *, const char *name, const uint8_t *bytes, size_t len) MUST_USE;

#endif
