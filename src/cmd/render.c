#include "cmd/render.h"

#include "base/status.h"
#include "cmd/format_print.h"
#include "cmd/json.h"

static int
put_bytes(const struct render_options *o, const uint8_t *bytes, int32_t len, struct output *out)
{
	if (len < 0)
		return output_put(out, o->null.data, o->null.len);
	return output_put(out, bytes, (size_t)len);
}

static int
render_shaped(const struct render_options *o, const struct format_place *place, const struct record *r, struct output *out)
{
	struct buf *shape = output_shape(out);
	int rc;

	if (o->json)
		rc = json_print_record(place, r, shape);
	else
		rc = format_print(o->format, place, r, &o->null, shape);
	if (rc == STATUS_OK)
		return output_put_shaped(out);
	return status_context(rc, "%s/%d: offset %lld", place->topic, place->partition, (long long)r->offset);
}

int
render_record(const struct render_options *o, const struct format_place *place, const struct record *r, struct output *out)
{
	int rc;

	if (o->quiet)
		return STATUS_OK;
	if (o->json || o->format != NULL)
		return render_shaped(o, place, r, out);
	if (o->keyed) {
		if ((rc = put_bytes(o, r->key, r->key_len, out)) != STATUS_OK ||
		    (rc = output_put(out, o->key_delimiter.data, o->key_delimiter.len)) != STATUS_OK)
			return rc;
	}
	if ((rc = put_bytes(o, r->value, r->value_len, out)) != STATUS_OK)
		return rc;
	return output_put(out, o->delimiter.data, o->delimiter.len);
}

bool
render_is_line(const struct render_options *o)
{
	return !o->quiet && !o->json && o->format == NULL && !o->keyed && o->delimiter.len == 1 && o->null.len == 0;
}
