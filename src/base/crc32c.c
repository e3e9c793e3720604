#include "base/crc32c.h"

#include <assert.h>
#include <isa-l/crc.h>
#include <limits.h>

uint32_t
crc32c(const void *bytes, size_t len)
{
	assert(len <= INT_MAX);
	/* ISA-L leaves the two inversions to its caller, and takes a pointer it does not write through. */
	return ~crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)len, 0xffffffffu);
}
