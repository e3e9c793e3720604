/*
 * worker: a thread that does jobs, one after the other, beside its owner.
 *
 *	worker_open(job, depth, &w);
 *	worker_give(w, arg) ...		job(arg) runs beside what follows
 *	rc = worker_wait(w);		all are done; the first failure, and its message is ours now
 *	worker_close(w);
 *
 * After a job that failed the others are not done, until worker_wait has told. What the jobs use belongs to them until then. No handler
 * of a signal runs in the thread, and while it is at work the process is not stopped by TSTP, TTIN or TTOU, because a job may hold a
 * lock: that waits until all are done.
 */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include "base/compat.h"

struct worker;

/* `depth` jobs may be given and not done, at least 1. No thread is made before the first. */
int worker_open(int (*job)(void *arg), int depth, struct worker **) MUST_USE;
/* Waits for the jobs, whose status is lost; the message stays what it is. NULL is fine. */
void worker_close(struct worker *);

/* Waits for a place. If no thread can be had the job is done before this returns. */
void worker_give(struct worker *, void *arg);
/* STATUS_OK if nothing was given since the last worker_wait. */
int worker_wait(struct worker *) MUST_USE;

#endif
