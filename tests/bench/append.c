/*
 * append: the least that a durable acknowledgement can cost: for each line of stdin some bytes are written behind the end of a file that
 * was allocated ahead and fdatasynced; then it is answered with a line.
 *
 *	append FILE BYTES [in-place]
 *
 * The file grows, as a log does: its size is where it ends. With `in-place` it has its full size from the beginning, so that no size has to
 * be made durable, but nobody could tell where it ends either.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AHEAD_BYTES (16 << 20)

int
main(int argc, char **argv)
{
	int grows = argc == 3, fd;
	size_t len = argc >= 3 ? (size_t)atoi(argv[2]) : 0;
	char in[4096], *bytes;
	off_t end = 0;

	if (len < 1 || (argc == 4 && strcmp(argv[3], "in-place") != 0) || argc > 4)
		errx(2, "usage: append FILE BYTES [in-place]");
	if ((bytes = malloc(len)) == NULL || (fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		err(1, "%s", argv[1]);
	memset(bytes, 'x', len);
	if (fallocate(fd, grows ? FALLOC_FL_KEEP_SIZE : 0, 0, AHEAD_BYTES) != 0 || fsync(fd) != 0)
		err(1, "%s: cannot be allocated ahead", argv[1]);
	while (read(STDIN_FILENO, in, sizeof(in)) > 0) {
		if (pwrite(fd, bytes, len, end) != (ssize_t)len || fdatasync(fd) != 0 || write(STDOUT_FILENO, "\n", 1) != 1)
			err(1, "%s", argv[1]);
		end += (off_t)len;
	}
	free(bytes);
	return 0;
}
