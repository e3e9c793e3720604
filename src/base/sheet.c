#include "base/sheet.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

/* A fault of the first byte has brought the last page too. */
static bool
is_huge(uint8_t *sheet)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char there = 0;

	*(volatile uint8_t *)sheet = 0;
	return mincore(sheet + SHEET_BYTES - page, page, &there) == 0 && (there & 1) != 0;
}

uint8_t *
sheet_take(void)
{
	uint8_t *sheet, *mapping = mmap(NULL, 2 * SHEET_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (mapping == MAP_FAILED)
		return NULL;
	/* A huge page is aligned to its size: what lies before and behind it is given back. */
	before = (SHEET_BYTES - (uintptr_t)mapping % SHEET_BYTES) % SHEET_BYTES;
	sheet = mapping + before;
	if (before > 0)
		(void)munmap(mapping, before);
	(void)munmap(sheet + SHEET_BYTES, SHEET_BYTES - before);
	if (madvise(sheet, SHEET_BYTES, MADV_HUGEPAGE) == 0 && is_huge(sheet))
		return sheet;
	sheet_drop(sheet);
	return NULL;
}

void
sheet_drop(uint8_t *sheet)
{
	if (sheet != NULL)
		(void)munmap(sheet, SHEET_BYTES);
}
