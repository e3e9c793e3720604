/*
 * format_check: can what a format prints be read again? Not if it could be read in two ways: `%k%v` does not tell where the key ends.
 */
#ifndef CMD_FORMAT_CHECK_H
#define CMD_FORMAT_CHECK_H

#include "cmd/format.h"

/* STATUS_USAGE, with the reason, if format_scan cannot read by this format, or if it has no value. */
int format_check(const struct format *) MUST_USE;

#endif
