#include "log/head_words.h"

#include "base/clock.h"
#include "log/head_page.h"
#include "unit.h"

static _Alignas(64) uint8_t page[HEAD_PAGE_BYTES];

struct seen {
	int count, hex, uuids, slots[3];
};

static void
count_word(void *arg, const struct head_word *said)
{
	struct seen *s = arg;

	assert_non_null(said->name);
	assert_in_range(said->slot + 1, 0, 2);
	s->count++;
	s->hex += said->kind == HEAD_WORD_HEX;
	s->uuids += said->kind == HEAD_WORD_UUID;
	s->slots[said->slot + 1]++;
}

static void
test_any_bytes_are_walked(void **state)
{
	struct seen first = {0}, s;
	uint64_t count;

	(void)state;
	for (int fill = 0; fill < 256; fill++) {
		s = (struct seen){0};
		memset(page, fill, sizeof(page));
		head_words_of_topic(page, count_word, &s);
		assert_false(head_words_count(page, &count));
		head_words_of_partition(page, count_word, &s);
		if (fill == 0)
			first = s;
		assert_memory_equal(&s, &first, sizeof(s));
	}
	assert_int_equal(first.uuids, 1);
	assert_int_equal(first.hex, 3);
	assert_int_equal(first.slots[1], first.slots[2]);
}

static void
test_trust_rule_by_rule(void **state)
{
	static _Alignas(64) uint8_t topic[HEAD_PAGE_BYTES];
	struct topic_page *tp = (struct topic_page *)(void *)topic;
	struct partition_page *pp = (struct partition_page *)(void *)page;
	struct file_identity own = {1, 2, 3, 4};
	uint8_t boot_id[BOOT_ID_BYTES];
	struct head_claim claim;

	(void)state;
	memset(topic, 0, sizeof(topic));
	memset(page, 0, sizeof(page));
	memset(boot_id, 9, sizeof(boot_id));
	assert_non_null(strstr(head_words_trust(topic, page, &own, boot_id, &claim), "copy"));
	tp->device = 1;
	tp->inode = 2;
	tp->birth_sec = 3;
	tp->birth_nsec = 4;
	assert_non_null(strstr(head_words_trust(topic, page, &own, boot_id, &claim), "boot"));
	memset(page, 9, sizeof(boot_id));
	pp->generation = 3;
	assert_non_null(strstr(head_words_trust(topic, page, &own, boot_id, &claim), "odd"));
	pp->generation = 4;
	assert_non_null(strstr(head_words_trust(topic, page, &own, boot_id, &claim), "slot"));
	assert_false(claim.has_end);
	assert_int_equal(claim.generation, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    unit_test(test_any_bytes_are_walked),
	    unit_test(test_trust_rule_by_rule),
	};

	return unit_run(tests);
}
