#include "cmd/escape.h"

#include <jansson.h>
#include <string.h>

#include "base/status.h"
#include "cmd/encoding.h"

/* Bytes of the character at p, of which `left` are there: 0 if it is no UTF-8 (RFC 3629), or a control character of ISO 6429. */
static size_t
character_bytes(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	uint32_t code;

	if (len == 0 || len > left)
		return 0;
	code = len == 1 ? p[0] : p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code < ' ' ||
	    (code >= 0x7f && code < 0xa0))
		return 0;
	return len;
}

int
escape_text(struct buf *b, const void *bytes, size_t len, const char *also)
{
	const uint8_t *p = bytes, *end = p + len;
	int rc = STATUS_OK;

	while (rc == STATUS_OK && p < end) {
		size_t n = character_bytes(p, (size_t)(end - p));

		if (*p == '\t' || *p == '\n' || *p == '\\')
			rc = buf_printf(b, "\\%c", *p == '\t' ? 't' : *p == '\n' ? 'n' : '\\');
		else if (n == 0 || (*p != '\0' && strchr(also, *p) != NULL))
			rc = buf_printf(b, "\\x%02x", *p);
		else
			rc = buf_append(b, p, n);
		p += n == 0 ? 1 : n;
	}
	return rc;
}

bool
escape_is_utf8(const void *bytes, size_t len)
{
	json_t *string = json_stringn(bytes, len);
	bool is = string != NULL;

	json_decref(string);
	return is;
}

static int
append_to_buf(const char *bytes, size_t len, void *arg)
{
	return buf_append(arg, bytes, len) == STATUS_OK ? 0 : -1;
}

int
escape_json(struct buf *b, const void *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	int rc = STATUS_OK;

	if (string == NULL)
		return status_fail(STATUS_DATA, "not UTF-8: use --tsv");
	if (json_dump_callback(string, append_to_buf, b, JSON_ENCODE_ANY | JSON_COMPACT) != 0)
		rc = status_no_memory("JSON");
	json_decref(string);
	return rc;
}

int
escape_json_member(struct buf *b, const char *name, const uint8_t *bytes, size_t len)
{
	int rc;

	if (bytes == NULL)
		return buf_printf(b, "\"%s\":null", name);
	if (escape_is_utf8(bytes, len)) {
		if ((rc = buf_printf(b, "\"%s\":", name)) != STATUS_OK)
			return rc;
		return escape_json(b, bytes, len);
	}
	if ((rc = buf_printf(b, "\"%s_base64\":\"", name)) != STATUS_OK || (rc = encoding_put_base64(bytes, len, b)) != STATUS_OK)
		return rc;
	return buf_append_byte(b, '"');
}
