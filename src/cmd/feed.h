/*
 * feed: reads the input of mq-produce, one stream after the other, makes records of it, and hands them to a producer.
 *
 * What is at hand goes into batches; as soon as nothing is, they are stored, so that a slow writer's records can be read at once.
 */
#ifndef CMD_FEED_H
#define CMD_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cmd/fanout.h"
#include "cmd/format.h"

struct feed_options {
	char **files; /* as given, `-` is stdin; none: stdin */
	int file_count;
	char **command;		     /* NULL: none; else its stdout is the input */
	const char *follow;	     /* a file that is followed; NULL: none */
	const char *id;		     /* the name of the input, for messages */
	const char *topic;	     /* where all records go; NULL: each names its own */
	bool own_partition;	     /* each names its own */
	bool json;		     /* each line is a JSON object */
	const struct format *format; /* records are as this prints them; NULL: none */
	struct buf delimiter;	     /* of records; empty: a stream is one record */
	const char *key;	     /* of all records that do not say theirs; NULL: none; so are headers and timestamps */
	struct buf key_delimiter;    /* between key and value; empty: none */
	struct buf headers;	     /* encoded */
	int32_t header_count;
	bool empty_is_null;
	bool timed; /* timestamp_ms was given, else it is the time at which they are read */
	int64_t timestamp_ms;
	bool progress; /* asked for */
	bool told;     /* somebody reads on stdout what was stored: without him there is nothing to wait for */
};

/* STATUS_MISSING or STATUS_PERMISSION if one of the files cannot be read: looked at before anything is stored. */
int feed_check(const struct feed_options *) MUST_USE;

/*
 * Read everything, or up to the first signal (cmd_signal). What was handed over may not be stored yet: fanout_finish. STATUS_DATA: a bad
 * record, named by stream and number; all before it were handed over. STATUS_MISSING, STATUS_PERMISSION, STATUS_CONFIG: so is one whose
 * topic or partition is not there or not ours. STATUS_NO: the command failed, its last record is dropped if it was not finished; or something of a followed
 * file may be missing, which was told: then no signal is noted any more, because this counts more.
 */
int feed_run(const struct feed_options *, struct fanout *) MUST_USE;

#endif
