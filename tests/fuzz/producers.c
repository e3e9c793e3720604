/*
 * producers: any bytes as a .snapshot, and as the text files of a partition's folder: leader-epoch-checkpoint, an offset checkpoint.
 */
#include "fuzz.h"

#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "log/checkpoint.h"
#include "log/epoch.h"
#include "log/producers.h"

static char folder[] = "/dev/shm/mq-fuzz.XXXXXX";
static int dir = -1;

static void
remove_folder(void)
{
	(void)unlinkat(dir, "leader-epoch-checkpoint", 0);
	(void)unlinkat(dir, LOG_START_CHECKPOINT, 0);
	(void)rmdir(folder);
}

static void
put(const char *name, const struct buf *b)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	EXPECT(fd >= 0 && write(fd, b->data, b->len) == (ssize_t)b->len);
	(void)close(fd);
}

static void
check_snapshot(struct buf *b)
{
	struct producers p = {0};
	uint32_t crc;

	(void)producers_decode(b, "input", &p);
	producers_free(&p);
	/* With a CRC that is right: 2 bytes of version, then the CRC of what follows it. */
	if (b->len < 6)
		return;
	b->data[0] = 0;
	b->data[1] = 1;
	crc = crc32c(b->data + 6, b->len - 6);
	for (int i = 0; i < 4; i++)
		b->data[2 + i] = (uint8_t)(crc >> (24 - 8 * i));
	p = (struct producers){0};
	if (producers_decode(b, "input", &p) == STATUS_OK)
		for (size_t i = 0; i < p.count; i++)
			EXPECT(producers_find(&p, p.states[i].producer_id) != NULL);
	producers_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf b = fuzz_rest(&(struct fuzz_bytes){bytes, len});
	struct epoch_list epochs = {0};
	int64_t offset;

	if (dir < 0) {
		if (mkdtemp(folder) == NULL || (dir = open(folder, O_RDONLY | O_DIRECTORY)) < 0)
			err(1, "%s", folder);
		(void)atexit(remove_folder);
	}
	put("leader-epoch-checkpoint", &b);
	put(LOG_START_CHECKPOINT, &b);
	if (epoch_list_read(dir, &epochs) == STATUS_OK) {
		for (size_t i = 1; i < epochs.count; i++)
			EXPECT(epochs.entries[i - 1].epoch < epochs.entries[i].epoch);
		epoch_list_free(&epochs);
	}
	(void)checkpoint_find(dir, LOG_START_CHECKPOINT, "orders", 3, &offset);
	check_snapshot(&b);
	status_clear();
	buf_free(&b);
	return 0;
}
