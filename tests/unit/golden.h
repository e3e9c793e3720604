/*
 * golden: what an Apache Kafka broker wrote, and what Kafka's own consumer reads from it (tests/golden/README).
 *
 * golden_find() is called first in main, while the working directory is still the project's.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <dirent.h>

#include <jansson.h>

#include "log/record.h"
#include "unit.h"

#define GOLDEN_PATH_BYTES (PATH_MAX + 512)

static char golden_root[PATH_MAX];

UNIT_UNUSED static void
golden_find(void)
{
	if (realpath("tests/golden/kafka", golden_root) == NULL) {
		fprintf(stderr, "tests/golden/kafka: not here\n");
		exit(1);
	}
}

/* The folders that hold no compressed batch. */
UNIT_UNUSED static const char *const golden_folders[] = {"plain-0", "three-0", "three-1", "three-2", "edge-0", "codec-none-0",
    "idem-0", "txn-0", "txn-1", "epochs-0", "segs-0", "appendtime-0", "compacted-0", "trimmed-0", "live/plain-0", "live/txn-0"};

UNIT_UNUSED static const char *const golden_compressed[] = {"codec-gzip-0", "codec-snappy-0", "codec-lz4-0", "codec-zstd-0"};

/* path: GOLDEN_PATH_BYTES. */
UNIT_UNUSED static void
golden_path(char *path, const char *folder, const char *name)
{
	snprintf(path, GOLDEN_PATH_BYTES, "%s/%s/%s", golden_root, folder, name);
}

/* The bytes of a file; the caller frees them. */
UNIT_UNUSED static uint8_t *
golden_read(const char *folder, const char *name, size_t *len)
{
	char path[GOLDEN_PATH_BYTES];

	golden_path(path, folder, name);
	return (uint8_t *)unit_read(path, len);
}

/* The folder, opened. */
UNIT_UNUSED static int
golden_open(const char *folder)
{
	char path[GOLDEN_PATH_BYTES];
	int fd;

	golden_path(path, folder, "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Copy all files of the folder into a directory that exists. */
UNIT_UNUSED static void
golden_copy(const char *folder, const char *to)
{
	char path[GOLDEN_PATH_BYTES];
	const struct dirent *entry;
	DIR *dir;

	golden_path(path, folder, "");
	assert_non_null(dir = opendir(path));
	while ((entry = readdir(dir)) != NULL) {
		uint8_t *bytes;
		size_t len;

		if (entry->d_name[0] == '.')
			continue;
		bytes = golden_read(folder, entry->d_name, &len);
		snprintf(path, sizeof(path), "%s/%s", to, entry->d_name);
		unit_write(path, bytes, len);
		free(bytes);
	}
	closedir(dir);
}

/*
 * What Kafka's consumer reads: an array of objects, one for each record. `live/` is what the folder of that name became. Where the isolation
 * levels differ there is an answer for each.
 */
UNIT_UNUSED static json_t *
golden_expected(const char *folder, bool uncommitted)
{
	const char *slash = strrchr(folder, '/'), *base = slash != NULL ? slash + 1 : folder;
	const char *level = uncommitted ? ".read_uncommitted" : ".read_committed";
	char command[GOLDEN_PATH_BYTES + 64];
	json_t *records = json_array(), *record;
	json_error_t error;
	FILE *f;

	snprintf(command, sizeof(command), "exec gzip -dc '%s/expected/%s%s.jsonl.gz'", golden_root, base,
	    strncmp(base, "txn-", 4) == 0 ? level : "");
	assert_non_null(f = popen(command, "r"));
	while ((record = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error)) != NULL)
		assert_int_equal(json_array_append_new(records, record), 0);
	assert_int_equal(pclose(f), 0);
	assert_true(json_array_size(records) > 0);
	return records;
}

static int
golden_base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* `NAME_base64` of the object, decoded. */
static void
golden_assert_base64(const char *text, const uint8_t *bytes, int32_t len)
{
	uint32_t group = 0;
	int bits = 0;
	int32_t at = 0;

	for (; golden_base64_digit(*text) >= 0; text++) {
		group = group << 6 | (uint32_t)golden_base64_digit(*text);
		if ((bits += 6) < 8)
			continue;
		bits -= 8;
		assert_true(at < len);
		assert_int_equal(bytes[at++], (group >> bits) & 0xff);
	}
	assert_int_equal(at, len);
}

/* `NAME` or `NAME_base64` of the object is these bytes; a length of -1 is null. */
static void
golden_assert_bytes(const json_t *object, const char *name, const uint8_t *bytes, int32_t len)
{
	const json_t *value = json_object_get(object, name);
	char base64[32];

	if (value == NULL) {
		snprintf(base64, sizeof(base64), "%s_base64", name);
		assert_non_null(value = json_object_get(object, base64));
		assert_true(len >= 0);
		golden_assert_base64(json_string_value(value), bytes, len);
	} else if (json_is_null(value)) {
		assert_int_equal(len, -1);
		assert_null(bytes);
	} else {
		assert_int_equal(len, json_string_length(value));
		assert_memory_equal(bytes, json_string_value(value), (size_t)len);
	}
}

/* The record is the one that Kafka's consumer read. */
UNIT_UNUSED static void
golden_assert_record(const json_t *want, const struct record *r)
{
	const json_t *headers = json_object_get(want, "headers");
	const uint8_t *p = r->headers;

	assert_non_null(want);
	assert_int_equal(r->offset, json_integer_value(json_object_get(want, "offset")));
	assert_int_equal(r->timestamp_ms, json_integer_value(json_object_get(want, "timestamp")));
	golden_assert_bytes(want, "key", r->key, r->key_len);
	golden_assert_bytes(want, "value", r->value, r->value_len);
	assert_int_equal(r->header_count, json_array_size(headers));
	for (int32_t i = 0; i < r->header_count; i++) {
		const json_t *header = json_array_get(headers, (size_t)i);
		struct record_header h;

		record_next_header(r, &p, &h);
		golden_assert_bytes(header, "name", h.name, h.name_len);
		golden_assert_bytes(header, "value", h.value, h.value_len);
	}
	assert_ptr_equal(p, r->headers + r->headers_len);
}

#endif
