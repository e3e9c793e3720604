#include "store/config.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/status.h"
#include "log/format.h"
#include "store/keyvalue.h"

#define PARTS_OF_ROOM 8

enum setting_type {
	SETTING_BYTES,
	SETTING_MS,
	SETTING_RATIO,
	SETTING_COMPRESSION,
	SETTING_CLEANUP,
	SETTING_FSYNC,
	SETTING_GROUP,
	SETTING_MODE,
	SETTING_TIMESTAMP_TYPE,
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t at; /* SETTING_BYTES, SETTING_MS, SETTING_RATIO: where the int64_t or double lies in struct log_settings */
	int64_t min, max;
	const char *initial;
};

/* Alphabetical: config_entry shows them so. */
static const struct setting settings[] = {
    {"cleanup.policy", SETTING_CLEANUP, 0, 0, 0, "delete"},
    {"compression.type", SETTING_COMPRESSION, 0, 0, 0, "producer"},
    {"delete.retention.ms", SETTING_MS, offsetof(struct log_settings, delete_retention_ms), 0, INT64_MAX, "86400000"},
    {"fsync", SETTING_FSYNC, 0, 1, INT32_MAX, "always"},
    {"group", SETTING_GROUP, 0, 0, 0, ""},
    {"index.interval.bytes", SETTING_BYTES, offsetof(struct log_settings, index_interval_bytes), 0, INT32_MAX, "4096"},
    {"max.bytes", SETTING_BYTES, offsetof(struct log_settings, max_bytes), -1, INT64_MAX, "-1"},
    {"max.message.bytes", SETTING_BYTES, offsetof(struct log_settings, max_message_bytes), 0, INT32_MAX, "1048588"},
    {"message.timestamp.type", SETTING_TIMESTAMP_TYPE, 0, 0, 0, "CreateTime"},
    {"min.cleanable.dirty.ratio", SETTING_RATIO, offsetof(struct log_settings, min_dirty_ratio), 0, 1, "0.5"},
    {"min.compaction.lag.ms", SETTING_MS, offsetof(struct log_settings, min_compaction_lag_ms), 0, INT64_MAX, "0"},
    {"mode", SETTING_MODE, 0, 0, 0, "0600"},
    {"retention.bytes", SETTING_BYTES, offsetof(struct log_settings, retention_bytes), -1, INT64_MAX, "-1"},
    {"retention.ms", SETTING_MS, offsetof(struct log_settings, retention_ms), -1, INT64_MAX, "-1"},
    {"segment.bytes", SETTING_BYTES, offsetof(struct log_settings, segment_bytes), 14, INT32_MAX, "1073741824"},
    {"segment.ms", SETTING_MS, offsetof(struct log_settings, segment_ms), 1, INT64_MAX, "604800000"},
};

/* Settings of Kafka 3.9, and ours to come, that would do nothing: better refused than believed. */
static const char *const unsupported[] = {
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.difference.max.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.storage.enable",
    "replica.lag.time.max.ms",
    "retain.groups",
    "segment.index.bytes",
    "segment.jitter.ms",
    "unclean.leader.election.enable",
};

/* Kafka's Uuid.randomUuid: a random version-4 UUID in URL-safe base64, none that would look like an option. */
static void
make_topic_id(char id[TOPIC_ID_BYTES])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t uuid[18] = {0}; /* 16 and two zeros, so that three bytes at a time come out even */
	size_t at = 0;

	do {
		arc4random_buf(uuid, 16);
		uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
		uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	} while (alphabet[uuid[0] >> 2] == '-');
	for (size_t i = 0; i < sizeof(uuid); i += 3) {
		uint32_t group = (uint32_t)uuid[i] << 16 | (uint32_t)uuid[i + 1] << 8 | uuid[i + 2];

		for (int shift = 18; shift >= 0 && at < 22; shift -= 6)
			id[at++] = alphabet[group >> shift & 63];
	}
	id[at] = '\0';
}

/* The last of 22 characters holds the last two bits of 128: only four letters may stand there. */
int
config_check_topic_id(const char *id)
{
	if (strlen(id) != 22 || strspn(id, "A") == 22 ||
	    strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != 22 || strchr("AQgw", id[21]) == NULL)
		return status_fail(STATUS_CONFIG, "not a Kafka Uuid (22 characters of URL-safe base64): %.64s", id);
	return STATUS_OK;
}

static int64_t *
number_of(struct config *c, const struct setting *s)
{
	return (int64_t *)(void *)((char *)&c->log + s->at);
}

static int64_t
number_in(const struct config *c, const struct setting *s)
{
	return *(const int64_t *)(const void *)((const char *)&c->log + s->at);
}

/* A number, or with a unit a size or a duration, within the setting's range. */
static int
set_number(struct config *c, const struct setting *s, const char *value)
{
	bool is_ms = s->type == SETTING_MS;
	int64_t number;

	if (parse_int64(value, INT64_MIN, INT64_MAX, &number) != STATUS_OK &&
	    (is_ms ? parse_duration_ms(value, &number) : parse_size(value, &number)) != STATUS_OK)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not a number or %s, from %lld to %lld", s->key, value,
		    is_ms ? "duration (500ms, 10s, 5m, 2h, 7d)" : "size (64K, 1M, 1GiB)", (long long)s->min, (long long)s->max);
	if (number < s->min || number > s->max)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not from %lld to %lld", s->key, value, (long long)s->min,
		    (long long)s->max);
	*number_of(c, s) = number;
	return STATUS_OK;
}

static double *
ratio_of(struct config *c, const struct setting *s)
{
	return (double *)(void *)((char *)&c->log + s->at);
}

/* Digits and one point: nothing that strtod(3) takes besides. */
static int
set_ratio(struct config *c, const struct setting *s, const char *value)
{
	double number = -1;
	char *end = NULL;

	if (value[0] != '\0' && strspn(value, "0123456789.") == strlen(value) && strlen(value) < 20)
		number = strtod(value, &end);
	if (end == NULL || *end != '\0' || number < (double)s->min || number > (double)s->max)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not a number from %lld to %lld, as 0.5", s->key, value,
		    (long long)s->min, (long long)s->max);
	*ratio_of(c, s) = number;
	return STATUS_OK;
}

/* Kafka's list of words. */
static int
set_cleanup(struct config *c, const struct setting *s, const char *value)
{
	bool deletes = strcmp(value, "delete") == 0, compacts = strcmp(value, "compact") == 0;

	if (strcmp(value, "compact,delete") == 0 || strcmp(value, "delete,compact") == 0)
		deletes = compacts = true;
	if (!deletes && !compacts)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not delete, compact or compact,delete", s->key, value);
	c->log.deletes = deletes;
	c->log.compacts = compacts;
	return STATUS_OK;
}

static int
set_fsync(struct config *c, const struct setting *s, const char *value)
{
	enum fsync_mode mode = FSYNC_INTERVAL;
	int64_t interval_ms = 0;

	if (strcmp(value, "always") == 0)
		mode = FSYNC_ALWAYS;
	else if (strcmp(value, "never") == 0)
		mode = FSYNC_NEVER;
	else if (parse_duration_ms(value, &interval_ms) != STATUS_OK || interval_ms < s->min || interval_ms > s->max)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not always, never or a duration from %lldms to %lldms (500ms, 10s)",
		    s->key, value, (long long)s->min, (long long)s->max);
	c->log.fsync = mode;
	c->log.fsync_interval_ms = interval_ms;
	return STATUS_OK;
}

/* Kafka's words: "producer" keeps each batch as it comes, "uncompressed" is our "none". */
static int
set_compression(struct config *c, const struct setting *s, const char *value)
{
	enum codec codec = CODEC_NONE;
	int32_t level = CODEC_DEFAULT_LEVEL;

	if (strcmp(value, "producer") == 0)
		c->compression = COMPRESSION_PRODUCER;
	else if (strcmp(value, "uncompressed") == 0)
		c->compression = CODEC_NONE;
	else if (codec_parse(value, &codec, &level) == STATUS_OK && codec != CODEC_NONE && level == CODEC_DEFAULT_LEVEL)
		c->compression = (int)codec;
	else
		return status_fail(STATUS_CONFIG, "%s: %.64s: not producer, uncompressed, gzip, snappy, lz4 or zstd", s->key,
		    value);
	return STATUS_OK;
}

static int
set_group(struct config *c, const struct setting *s, const char *value)
{
	if (strlen(value) >= sizeof(c->group) || (value[0] != '\0' && !parse_is_name(value)))
		return status_fail(STATUS_CONFIG, "%s: %.64s: not a group's name", s->key, value);
	(void)strlcpy(c->group, value, sizeof(c->group));
	return STATUS_OK;
}

/* Octal; who may not even read what he writes could not append, and nothing is ever executed. */
static int
set_mode(struct config *c, const struct setting *s, const char *value)
{
	size_t digits = strspn(value, "01234567");
	unsigned mode = 0;

	if (digits >= 3 && digits <= 4 && value[digits] == '\0')
		mode = (unsigned)strtoul(value, NULL, 8);
	if (mode == 0 || (mode & ~0666u) != 0 || (mode & 0600) != 0600 || ((mode & 0222) << 1 & ~mode) != 0)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not an octal mode from 0600 to 0666 in which who writes also reads",
		    s->key, value);
	c->mode = (mode_t)mode;
	return STATUS_OK;
}

static int
set_timestamp_type(struct config *c, const struct setting *s, const char *value)
{
	if (strcmp(value, "CreateTime") != 0 && strcmp(value, "LogAppendTime") != 0)
		return status_fail(STATUS_CONFIG, "%s: %.64s: not CreateTime or LogAppendTime", s->key, value);
	c->log.append_time = value[0] == 'L';
	return STATUS_OK;
}

static int
set_value(struct config *c, const struct setting *s, const char *value)
{
	switch (s->type) {
	case SETTING_RATIO:
		return set_ratio(c, s, value);
	case SETTING_CLEANUP:
		return set_cleanup(c, s, value);
	case SETTING_COMPRESSION:
		return set_compression(c, s, value);
	case SETTING_FSYNC:
		return set_fsync(c, s, value);
	case SETTING_GROUP:
		return set_group(c, s, value);
	case SETTING_MODE:
		return set_mode(c, s, value);
	case SETTING_TIMESTAMP_TYPE:
		return set_timestamp_type(c, s, value);
	case SETTING_BYTES:
	case SETTING_MS:
		break;
	}
	return set_number(c, s, value);
}

/* How many letters must be added, dropped or changed to make one of the other (Levenshtein); longer texts are far from everything. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[CONFIG_VALUE_BYTES], len_a = strlen(a), len_b = strlen(b);

	if (len_a >= COUNT_OF(row) || len_b >= COUNT_OF(row))
		return COUNT_OF(row);
	for (size_t j = 0; j <= len_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			size_t above = row[j], best = diagonal;

			if (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]))
				best = 1 + (diagonal < above ? diagonal : above);
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[len_b];
}

static void
nearer(const char *key, const char *candidate, const char **best, size_t *best_distance)
{
	size_t d = distance(key, candidate);

	if (d < *best_distance) {
		*best_distance = d;
		*best = candidate;
	}
}

static int
refuse(const char *key)
{
	size_t best_distance = SIZE_MAX;
	const char *best = NULL;

	if (strcmp(key, "partitions") == 0 || strcmp(key, "replication.factor") == 0)
		return status_fail(STATUS_CONFIG, "%s: not a setting: say -%c", key, key[0]);
	for (size_t i = 0; i < COUNT_OF(unsupported); i++) {
		if (strcmp(key, unsupported[i]) == 0)
			return status_fail(STATUS_CONFIG, "%s: not supported yet", key);
		nearer(key, unsupported[i], &best, &best_distance);
	}
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		nearer(key, settings[i].key, &best, &best_distance);
	return status_fail(STATUS_CONFIG, "%.100s: no such setting; the nearest is %s", key, best);
}

static int
find(const char *key, size_t *index)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		if (strcmp(key, settings[i].key) == 0) {
			*index = i;
			return STATUS_OK;
		}
	}
	return refuse(key);
}

static void
set_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		(void)set_value(c, &settings[i], settings[i].initial);
}

void
config_init(struct config *c, int partitions)
{
	set_defaults(c);
	make_topic_id(c->topic_id);
	c->partitions = partitions;
	c->replication_factor = 1;
}

int
config_set_partitions(struct config *c, int64_t count)
{
	if (count < 1 || count > TOPIC_MAX_PARTITIONS)
		return status_fail(STATUS_CONFIG, "partitions: %lld: not from 1 to %d", (long long)count, TOPIC_MAX_PARTITIONS);
	c->partitions = (int)count;
	return STATUS_OK;
}

int
config_set_replication_factor(struct config *c, int64_t factor)
{
	if (factor < 1)
		return status_fail(STATUS_CONFIG, "replication.factor: %lld: not 1 or more", (long long)factor);
	if (factor != 1)
		return status_fail(STATUS_CONFIG, "replication.factor: %lld: not supported yet, only 1", (long long)factor);
	c->replication_factor = (int)factor;
	return STATUS_OK;
}

int
config_set(struct config *c, const char *key, const char *value)
{
	size_t i;
	int rc;

	if ((rc = find(key, &i)) != STATUS_OK || (rc = set_value(c, &settings[i], value)) != STATUS_OK)
		return rc;
	c->given |= UINT64_C(1) << i;
	return STATUS_OK;
}

int
config_unset(struct config *c, const char *key)
{
	size_t i;
	int rc;

	if ((rc = find(key, &i)) != STATUS_OK)
		return rc;
	c->given &= ~(UINT64_C(1) << i);
	return set_value(c, &settings[i], settings[i].initial);
}

int64_t
config_part_bytes(const struct config *c)
{
	int64_t part = c->log.max_bytes / PARTS_OF_ROOM / c->partitions;

	if (c->log.max_bytes < 0)
		return INT64_MAX;
	return part > BATCH_HEADER_BYTES ? part : BATCH_HEADER_BYTES;
}

struct log_settings
config_of_log(const struct config *c)
{
	struct log_settings set = c->log;

	if (config_part_bytes(c) < set.segment_bytes)
		set.segment_bytes = config_part_bytes(c);
	return set;
}

/* In the largest unit that leaves no rest. */
static void
show_duration(int64_t ms, char *value)
{
	static const struct {
		int64_t ms;
		const char *suffix;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	(void)snprintf(value, CONFIG_VALUE_BYTES, "%lld%s", (long long)(ms / units[i].ms), units[i].suffix);
}

static const char *
compression_name(int compression)
{
	if (compression == COMPRESSION_PRODUCER)
		return "producer";
	return compression == CODEC_NONE ? "uncompressed" : codec_name((unsigned)compression);
}

static void
show(const struct config *c, const struct setting *s, char *value)
{
	switch (s->type) {
	case SETTING_RATIO:
		(void)snprintf(value, CONFIG_VALUE_BYTES, "%.15g", *(const double *)(const void *)((const char *)&c->log + s->at));
		return;
	case SETTING_CLEANUP:
		(void)strlcpy(value,
		    !c->log.compacts	 ? "delete"
			: c->log.deletes ? "compact,delete"
					 : "compact",
		    CONFIG_VALUE_BYTES);
		return;
	case SETTING_COMPRESSION:
		(void)strlcpy(value, compression_name(c->compression), CONFIG_VALUE_BYTES);
		return;
	case SETTING_GROUP:
		(void)strlcpy(value, c->group, CONFIG_VALUE_BYTES);
		return;
	case SETTING_MODE:
		(void)snprintf(value, CONFIG_VALUE_BYTES, "%04o", (unsigned)c->mode);
		return;
	case SETTING_FSYNC:
		if (c->log.fsync == FSYNC_INTERVAL)
			show_duration(c->log.fsync_interval_ms, value);
		else
			(void)strlcpy(value, c->log.fsync == FSYNC_ALWAYS ? "always" : "never", CONFIG_VALUE_BYTES);
		return;
	case SETTING_TIMESTAMP_TYPE:
		(void)strlcpy(value, c->log.append_time ? "LogAppendTime" : "CreateTime", CONFIG_VALUE_BYTES);
		return;
	case SETTING_BYTES:
	case SETTING_MS:
		(void)snprintf(value, CONFIG_VALUE_BYTES, "%lld", (long long)number_in(c, s));
		return;
	}
}

bool
config_entry(const struct config *c, size_t i, const char **key, char *value, bool *given)
{
	if (i >= COUNT_OF(settings))
		return false;
	*key = settings[i].key;
	*given = (c->given >> i & 1) != 0;
	show(c, &settings[i], value);
	return true;
}

int
config_access(const struct config *c, struct file_access *access)
{
	struct group *entry;

	*access = (struct file_access){.mode = c->mode, .gid = (gid_t)-1};
	if (c->group[0] == '\0')
		return STATUS_OK;
	errno = 0;
	if ((entry = getgrnam(c->group)) == NULL)
		return status_fail(STATUS_CONFIG, "group: there is no group %s%s%s", c->group, errno != 0 ? ": " : "",
		    errno != 0 ? strerror(errno) : "");
	access->gid = entry->gr_gid;
	return STATUS_OK;
}

int
config_encode(const struct config *c, struct buf *b)
{
	char value[CONFIG_VALUE_BYTES];
	int rc;

	rc = buf_printf(b, KEYVALUE_FORMAT "topic.id=%s\npartitions=%d\nreplication.factor=%d\n", c->topic_id, c->partitions,
	    c->replication_factor);
	for (size_t i = 0; rc == STATUS_OK && i < COUNT_OF(settings); i++) {
		if ((c->given >> i & 1) == 0)
			continue;
		show(c, &settings[i], value);
		rc = buf_printf(b, "%s=%s\n", settings[i].key, value);
	}
	return rc;
}

static int
decode_number(const char *key, const char *value, int64_t *number)
{
	if (parse_int64(value, INT64_MIN, INT64_MAX, number) != STATUS_OK)
		return status_fail(STATUS_CONFIG, "%s: not a number: %.64s", key, value);
	return STATUS_OK;
}

static int
decode_line(void *arg, const char *key, const char *value)
{
	struct config *c = arg;
	int64_t number;
	int rc;

	if (strcmp(key, "topic.id") == 0) {
		if ((rc = config_check_topic_id(value)) != STATUS_OK)
			rc = status_context(rc, "topic.id");
		else
			(void)strlcpy(c->topic_id, value, sizeof(c->topic_id));
		return rc;
	}
	if (strcmp(key, "partitions") == 0)
		return (rc = decode_number(key, value, &number)) != STATUS_OK ? rc : config_set_partitions(c, number);
	if (strcmp(key, "replication.factor") == 0)
		return (rc = decode_number(key, value, &number)) != STATUS_OK ? rc : config_set_replication_factor(c, number);
	return config_set(c, key, value);
}

int
config_decode(const struct buf *b, struct config *out)
{
	struct config c;
	int rc;

	set_defaults(&c);
	if ((rc = keyvalue_each(b, decode_line, &c)) != STATUS_OK)
		return rc;
	if (c.topic_id[0] == '\0')
		return status_fail(STATUS_CONFIG, "no topic.id in it");
	if (c.partitions == 0)
		return status_fail(STATUS_CONFIG, "no partitions in it");
	if (c.replication_factor == 0)
		return status_fail(STATUS_CONFIG, "no replication.factor in it");
	*out = c;
	return STATUS_OK;
}
