#include "log/flaw.h"

#include <bsd/string.h>
#include <stdlib.h>

#include "base/status.h"

static const struct {
	const char *name;
	bool damage;
} kinds[] = {
    [FLAW_BAD] = {"bad-batch", true},
    [FLAW_HEADER] = {"bad-header", true},
    [FLAW_GAP] = {"gap", true},
    [FLAW_SHORT] = {"short", true},
    [FLAW_TORN] = {"torn", false},
    [FLAW_NAME] = {"misnamed", true},
    [FLAW_CODEC] = {"unchecked", false},
    [FLAW_INDEX] = {"garbage", true},
    [FLAW_SNAPSHOT] = {"garbage", true},
    [FLAW_EPOCHS] = {"garbage", true},
    [FLAW_METADATA] = {"garbage", true},
    [FLAW_INDEX_MISSING] = {"missing", false},
    [FLAW_EPOCHS_MISSING] = {"missing", false},
    [FLAW_METADATA_MISSING] = {"missing", false},
    [FLAW_LEFTOVER] = {"leftover", false},
    [FLAW_OLD] = {"leftover", false},
    [FLAW_UNKNOWN] = {"unknown", false},
};

bool
flaw_is_damage(enum flaw_kind kind)
{
	return kinds[kind].damage;
}

const char *
flaw_name(enum flaw_kind kind)
{
	return kinds[kind].name;
}

int
flaw_add(struct flaw_list *list, const struct flaw *flaw)
{
	if (list->count == list->cap) {
		size_t cap = list->cap == 0 ? 8 : 2 * list->cap;
		struct flaw *items = reallocarray(list->items, cap, sizeof(*items));

		if (items == NULL)
			return status_no_memory("flaws");
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] = *flaw;
	return STATUS_OK;
}

int
flaw_add_file(struct flaw_list *list, enum flaw_kind kind, const char *file, int64_t base, const char *why)
{
	struct flaw flaw = {.kind = kind, .base = base, .position = -1, .end = -1, .offset = -1, .from = -1, .to = -1};

	(void)strlcpy(flaw.file, file, sizeof(flaw.file));
	(void)strlcpy(flaw.why, why, sizeof(flaw.why));
	return flaw_add(list, &flaw);
}

void
flaw_list_free(struct flaw_list *list)
{
	free(list->items);
	*list = (struct flaw_list){NULL, 0, 0};
}

size_t
flaw_damage_count(const struct flaw_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += flaw_is_damage(list->items[i].kind);
	return count;
}
