/*
 * store: the directory of one node. Its layout is in mq-format(5) STORE.
 *
 * Who may make topics is who may write to `topics/`: it and the lock take mode and group from the store's own folder, which follows the
 * umask when we make it. A store shared by a group begins as an empty folder with its mode, `install -d -g mq -m 2770 DIR`.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/lock.h"

struct store;

/*
 * The path of the store: `option` (-d) if not NULL, else $MQ_DIR, else /var/lib/mq for root, else ${XDG_STATE_HOME:-$HOME/.local/state}/mq;
 * as a NUL-terminated string in the buf. An empty variable counts as unset, and a relative XDG_STATE_HOME (XDG Base Directory
 * Specification). HOST:DIR (a colon before the first slash) and SCHEME:// are STATUS_CONFIG; an empty `option` is STATUS_USAGE.
 */
int store_path(const char *option, struct buf *path) MUST_USE;

/*
 * Reading rights suffice. STATUS_MISSING, saying how to make it, if there is none. STATUS_CONFIG on a file system that cannot hold one, and
 * for a store of another format.
 */
int store_open(const char *path, struct store **) MUST_USE;
/*
 * The same, made if it is missing: the directory, its parents, `lock`, `topics/`, and then `store`, with which it is one; all synced. Any
 * number may do so at a time, and a later one finishes what a killed one began. STATUS_EXISTS if the path is no directory, or a directory
 * that holds anything else already.
 */
int store_open_or_make(const char *path, int64_t deadline_ms, struct store **) MUST_USE;
void store_close(struct store *);

/* Borrowed, valid until store_close. */
const char *store_dir(const struct store *);
int store_topics_fd(const struct store *);

/* The store lock: topics are made and removed under it. Not held already. STATUS_PERMISSION for who may not make topics. */
int store_lock(struct store *, int64_t deadline_ms) MUST_USE;
void store_unlock(struct store *);

/* Calls visit with each topic's name, in strcmp order; none of them is locked, so any may be gone when it is opened. */
int store_list_topics(struct store *, int (*visit)(void *arg, const char *name), void *arg) MUST_USE;

#endif
