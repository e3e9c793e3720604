#include "cmd/rotation.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cmd/siblings.h"

#define PIECE_BYTES ((size_t)64 << 10)
/* A name may be given to another file while we look; so often we look again. */
#define TRIES 10
/* Compressing keeps the time of the last change, but some keep only its second. */
#define SLACK_MS 2000

struct search {
	const char *folder, *base;
	int dir;
	struct siblings siblings;
	const struct named_place *place;
	struct buf unreadable; /* names, each behind a space */
};

void
rotated_close(struct rotated *r)
{
	unpack_close(r->unpack);
	(void)file_close(r->fd, r->name);
	*r = ROTATED_NONE;
}

int
rotated_open(const char *path, struct rotated *r)
{
	const char *slash = strrchr(path, '/');
	int rc;

	*r = ROTATED_NONE;
	(void)strlcpy(r->name, slash != NULL ? slash + 1 : path, sizeof(r->name));
	if ((rc = file_open_plain_input(path, &r->fd)) == STATUS_OK && (rc = file_identity(r->fd, path, &r->file)) != STATUS_OK)
		rotated_close(r);
	return rc;
}

static int
begin_search(struct search *s, const char *folder, const char *base, const struct named_place *place)
{
	int rc;

	*s = (struct search){.folder = folder, .base = base, .dir = -1, .place = place, .unreadable = BUF_EMPTY};
	if ((rc = dir_open_path(folder, &s->dir)) == STATUS_OK && (rc = siblings_read(s->dir, base, &s->siblings)) != STATUS_OK) {
		(void)file_close(s->dir, folder);
		s->dir = -1;
	}
	return rc;
}

static void
end_search(struct search *s)
{
	siblings_free(&s->siblings);
	(void)file_close(s->dir, s->folder);
	buf_free(&s->unreadable);
}

/* One that is gone meanwhile, or is no plain file, is none: STATUS_MISSING. */
static int
open_sibling(struct search *s, const struct sibling *one, struct rotated *r)
{
	int rc;

	*r = ROTATED_NONE;
	(void)strlcpy(r->name, one->name, sizeof(r->name));
	if (one->kind == SIBLING_ITSELF) {
		char path[PATH_MAX + NAME_MAX + 2];

		(void)snprintf(path, sizeof(path), "%s/%s", s->folder, one->name);
		return rotated_open(path, r);
	}
	if ((rc = file_open_read(s->dir, one->name, &r->fd)) == STATUS_OK &&
	    (rc = file_identity(r->fd, one->name, &r->file)) != STATUS_OK)
		rotated_close(r);
	return rc;
}

static int
open_packed(const struct sibling *one, struct rotated *r)
{
	int rc = STATUS_OK;

	if (one->packed && (rc = unpack_open(one->codec, r->fd, r->name, &r->unpack)) != STATUS_OK)
		rotated_close(r);
	r->still = r->still || one->packed;
	return rc;
}

static void
note_unreadable(struct search *s, const char *name)
{
	if (buf_printf(&s->unreadable, " %s", name) != STATUS_OK)
		status_clear();
}

/*
 * Is it there?
 */

static bool
has_tail(struct rotated *r, const struct named_place *place)
{
	struct place_tail *tail = &r->tail;
	size_t len = place->position < (int64_t)PLACE_TAIL_BYTES ? (size_t)place->position : PLACE_TAIL_BYTES;

	return file_read_at(r->fd, r->name, tail->bytes, len, place->position - (int64_t)len, &tail->len) == STATUS_OK &&
	    tail->len == len && place_tail_hash(tail) == place->hash;
}

/* Reads up to the place. */
static bool
has_packed_tail(struct rotated *r, const struct named_place *place)
{
	static uint8_t piece[PIECE_BYTES];
	int64_t at = 0;
	size_t got;

	while (at < place->position) {
		size_t want = place->position - at < (int64_t)PIECE_BYTES ? (size_t)(place->position - at) : PIECE_BYTES;

		if (unpack_read(r->unpack, piece, want, &got) != STATUS_OK || got == 0)
			return false;
		place_tail_add(&r->tail, piece, got);
		at += (int64_t)got;
	}
	return place_tail_hash(&r->tail) == place->hash;
}

/* The place may be in a compressed file, too, if that was gone on with. */
static bool
is_itself(const struct search *s, const struct sibling *one, struct rotated *r)
{
	if (!place_is_file(&r->file, &s->place->file))
		return false;
	if (!one->packed)
		return has_tail(r, s->place);
	return one->readable && open_packed(one, r) == STATUS_OK && has_packed_tail(r, s->place);
}

/* The file itself, by whatever name. */
static int
find_itself(struct search *s, struct rotated *out)
{
	for (size_t i = 0; i < s->siblings.count; i++) {
		struct rotated r;

		if (open_sibling(s, &s->siblings.list[i], &r) != STATUS_OK)
			continue;
		if (is_itself(s, &s->siblings.list[i], &r)) {
			*out = r;
			return STATUS_OK;
		}
		rotated_close(&r);
	}
	return STATUS_MISSING;
}

/* One that was not changed since the file was made can be no copy of it. */
static bool
may_be_copy(const struct search *s, const struct rotated *r)
{
	int64_t ms;

	return file_modified_ms(r->fd, r->name, &ms) == STATUS_OK && ms + SLACK_MS >= (int64_t)s->place->file.birth_sec * 1000;
}

static int
open_copy(struct search *s, const struct sibling *one, struct rotated *r)
{
	bool is_copy;
	int rc;

	if ((rc = open_sibling(s, one, r)) != STATUS_OK) {
		if (rc == STATUS_PERMISSION)
			note_unreadable(s, one->name);
		return STATUS_MISSING;
	}
	is_copy = may_be_copy(s, r);
	if (is_copy && (!one->readable || open_packed(one, r) != STATUS_OK)) {
		note_unreadable(s, one->name);
		is_copy = false;
	}
	if (is_copy)
		is_copy = r->unpack != NULL ? has_packed_tail(r, s->place) : has_tail(r, s->place);
	if (is_copy)
		return STATUS_OK;
	rotated_close(r);
	return STATUS_MISSING;
}

static int
fail_doubt(const char *one, const char *other, struct rotated *a, struct rotated *b)
{
	int rc = status_fail(STATUS_MISSING, "%s and %s cannot be told apart by what is before the place", one, other);

	rotated_close(a);
	rotated_close(b);
	return rc;
}

/* First those that are not compressed, because of a twin that is taken; what rotation has not made only if nothing else is there. */
static int
rank(const struct sibling *one)
{
	return one->kind == SIBLING_OTHER ? 2 : one->packed;
}

static int
find_copy(struct search *s, struct rotated *out)
{
	const struct sibling *found = NULL;

	for (size_t i = 0; i < 3 * s->siblings.count; i++) {
		const struct sibling *one = &s->siblings.list[i % s->siblings.count];
		int pass = (int)(i / s->siblings.count);
		struct rotated r;

		if (rank(one) != pass || (found != NULL && (pass == 2 || sibling_is_twin(found, one))) ||
		    open_copy(s, one, &r) != STATUS_OK)
			continue;
		if (found != NULL)
			return fail_doubt(found->name, one->name, out, &r);
		found = one;
		*out = r;
		out->still = one->kind != SIBLING_ITSELF;
	}
	return found != NULL ? STATUS_OK : status_fail(STATUS_MISSING, "it is in none of the files");
}

static int
find(struct search *s, struct rotated *out)
{
	int rc;

	if (find_itself(s, out) == STATUS_OK)
		return STATUS_OK;
	if (s->place->position == 0)
		return status_fail(STATUS_MISSING, "none of the files is the one that was followed");
	if ((rc = find_copy(s, out)) != STATUS_OK && s->unreadable.len > 0)
		return status_fail(rc, "%s; not readable:%.500s", status_message(), (const char *)s->unreadable.data);
	return rc;
}

int
rotation_find(const char *folder, const char *base, const struct named_place *place, struct rotated *out)
{
	struct search s;
	int rc;

	if ((rc = begin_search(&s, folder, base, place)) == STATUS_OK)
		rc = find(&s, out);
	end_search(&s);
	return rc;
}

/*
 * What comes next?
 */

static const struct sibling *
find_name(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->siblings.count; i++) {
		if (strcmp(s->siblings.list[i].name, name) == 0)
			return &s->siblings.list[i];
	}
	return NULL;
}

/* The name that this file has now; NULL: it has none any more, nor is there a copy. */
static const struct sibling *
name_now(struct search *s, const struct rotated *current)
{
	struct rotated r;
	bool same;

	for (size_t i = 0; i < s->siblings.count; i++) {
		if (open_sibling(s, &s->siblings.list[i], &r) != STATUS_OK)
			continue;
		same = place_is_file(&r.file, &current->file);
		rotated_close(&r);
		if (same)
			return &s->siblings.list[i];
	}
	if (s->place->position == 0 || find_copy(s, &r) != STATUS_OK)
		return NULL;
	rotated_close(&r);
	return find_name(s, r.name);
}

static bool
born_before(const struct file_identity *a, const struct file_identity *b)
{
	return a->birth_sec < b->birth_sec || (a->birth_sec == b->birth_sec && a->birth_nsec < b->birth_nsec);
}

/* Without a name: what was made after it, first. */
static const struct sibling *
born_next(struct search *s, const struct rotated *current)
{
	const struct sibling *best = NULL;
	struct file_identity first = {0};
	struct rotated r;

	for (size_t i = 0; i < s->siblings.count; i++) {
		const struct sibling *one = &s->siblings.list[i];

		if ((one->kind != SIBLING_NUMBER && one->kind != SIBLING_STAMP) || one->packed || one->inside ||
		    open_sibling(s, one, &r) != STATUS_OK)
			continue;
		if (born_before(&current->file, &r.file) && (best == NULL || born_before(&r.file, &first))) {
			best = one;
			first = r.file;
		}
		rotated_close(&r);
	}
	return best;
}

/* Behind those that cannot be read, which are noted; NULL: there is none yet. */
static const struct sibling *
choose_next(struct search *s, const struct rotated *current)
{
	const struct sibling *now = name_now(s, current), *next;

	if (now != NULL && now->kind == SIBLING_ITSELF)
		return NULL;
	next = now != NULL ? siblings_after(&s->siblings, now) : born_next(s, current);
	while (next != NULL && next->packed && !next->readable) {
		note_unreadable(s, next->name);
		next = siblings_after(&s->siblings, next);
	}
	return next != NULL ? next : find_name(s, s->base);
}

static int
next_once(struct search *s, const struct rotated *current, struct rotated *next)
{
	const struct sibling *one = choose_next(s, current);
	int rc;

	if (one == NULL)
		return STATUS_MISSING;
	return (rc = open_sibling(s, one, next)) == STATUS_OK ? open_packed(one, next) : rc;
}

int
rotation_next(const char *folder, const char *base, const struct rotated *current, const struct named_place *place,
    struct rotated *next, struct buf *skipped)
{
	struct rotated last = ROTATED_NONE;
	int rc = STATUS_OK;

	*next = ROTATED_NONE;
	for (int i = 0; rc == STATUS_OK && i < TRIES; i++) {
		struct search s;

		last = *next;
		*next = ROTATED_NONE;
		buf_clear(skipped);
		if ((rc = begin_search(&s, folder, base, place)) == STATUS_OK && (rc = next_once(&s, current, next)) == STATUS_OK &&
		    s.unreadable.len > 0)
			rc = buf_append(skipped, s.unreadable.data, s.unreadable.len);
		end_search(&s);
		if (rc == STATUS_OK && last.fd >= 0 && place_is_file(&last.file, &next->file)) {
			rotated_close(&last);
			return STATUS_OK;
		}
		rotated_close(&last);
	}
	if (rc == STATUS_OK)
		rotated_close(next);
	return rc == STATUS_OK ? STATUS_MISSING : rc;
}
