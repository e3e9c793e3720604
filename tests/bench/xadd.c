/*
 * xadd: adds each line of stdin to a Redis stream, as fast as one client can: the next thousand lines are sent before the replies to the
 * last thousand are read, so that server and client work at the same time.
 *
 *	xadd SOCKET STREAM <in
 */
#include <err.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 1000

static void
read_replies(redisContext *c, size_t count)
{
	while (count-- > 0) {
		redisReply *reply = NULL;

		if (redisGetReply(c, (void **)&reply) != REDIS_OK)
			errx(1, "%s", c->errstr);
		if (reply->type != REDIS_REPLY_STRING)
			errx(1, "%s", reply->type == REDIS_REPLY_ERROR ? reply->str : "no id came back");
		freeReplyObject(reply);
	}
}

/* All that was appended goes out; replies stay where they are. */
static void
send_all(redisContext *c)
{
	int done = 0;

	while (!done) {
		if (redisBufferWrite(c, &done) != REDIS_OK)
			errx(1, "%s", c->errstr);
	}
}

int
main(int argc, char **argv)
{
	const char *words[] = {"XADD", argc == 3 ? argv[2] : "", "*", "v", NULL};
	size_t lens[] = {4, strlen(words[1]), 1, 1, 0}, cap = 0, sent = 0, in_window = 0;
	char *line = NULL;
	redisContext *c;
	ssize_t len;

	if (argc != 3)
		errx(2, "usage: xadd SOCKET STREAM");
	if ((c = redisConnectUnix(argv[1])) == NULL || c->err != 0)
		errx(1, "%s: %s", argv[1], c != NULL ? c->errstr : "out of memory");
	while ((len = getline(&line, &cap, stdin)) > 0) {
		words[4] = line;
		lens[4] = (size_t)(line[len - 1] == '\n' ? len - 1 : len);
		if (redisAppendCommandArgv(c, 5, words, lens) != REDIS_OK)
			errx(1, "%s", c->errstr);
		if (++in_window < WINDOW)
			continue;
		send_all(c);
		read_replies(c, sent);
		sent = in_window;
		in_window = 0;
	}
	send_all(c);
	read_replies(c, sent + in_window);
	redisFree(c);
	free(line);
	return 0;
}
