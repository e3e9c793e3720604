/*
 * keyvalue: our own small text files: lines `KEY=VALUE`, each ended by a newline, the first of them `format=1`. People may edit them, so
 * whatever is not understood is refused with its line; nothing is guessed.
 */
#ifndef STORE_KEYVALUE_H
#define STORE_KEYVALUE_H

#include "base/buf.h"

#define KEYVALUE_FORMAT "format=1\n"

/*
 * Call `visit` with key and value of each line behind the first, in order, both NUL-terminated and valid during the call; it returns
 * STATUS_OK to go on, anything else ends the walk and is returned with the line's number before the message. The value begins behind the
 * first '='; it may be empty. STATUS_CONFIG, naming the line: another format, no '=', an empty key, a key that was there before, more than
 * 1000 lines, a NUL byte, no newline at the end (the file was cut off). Nothing was visited then.
 */
int keyvalue_each(const struct buf *, int (*visit)(void *arg, const char *key, const char *value), void *arg) MUST_USE;

#endif
