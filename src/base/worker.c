#include "base/worker.h"

#include <bsd/string.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/status.h"

#define MESSAGE_BYTES 2048

struct worker {
	int (*job)(void *arg);
	pthread_t thread;
	bool has_thread;
	bool gave; /* something since the last worker_wait: the stops are blocked */
	sigset_t outer;
	pthread_mutex_t mutex;	/* guards what follows */
	pthread_cond_t changed; /* a job was given or done, or the end was said */
	void **args;		/* a ring: `count` from `first` on */
	int depth, first, count;
	bool ends;
	int rc; /* the first failure, and its message */
	char message[MESSAGE_BYTES];
};

int
worker_open(int (*job)(void *arg), int depth, struct worker **out)
{
	struct worker *w;

	if ((w = calloc(1, sizeof(*w))) == NULL || (w->args = calloc((size_t)depth, sizeof(*w->args))) == NULL) {
		free(w);
		return status_no_memory("worker");
	}
	(void)pthread_mutex_init(&w->mutex, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	w->job = job;
	w->depth = depth;
	*out = w;
	return STATUS_OK;
}

static void
do_job(struct worker *w, void *arg)
{
	if (w->rc != STATUS_OK || (w->rc = w->job(arg)) == STATUS_OK)
		return;
	(void)strlcpy(w->message, status_message(), sizeof(w->message));
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	(void)pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (w->count == 0 && !w->ends)
			(void)pthread_cond_wait(&w->changed, &w->mutex);
		if (w->count == 0)
			break;
		/* The owner looks at rc and message when nothing is left to do. */
		(void)pthread_mutex_unlock(&w->mutex);
		do_job(w, w->args[w->first]);
		(void)pthread_mutex_lock(&w->mutex);
		w->first = (w->first + 1) % w->depth;
		w->count--;
		(void)pthread_cond_signal(&w->changed);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Signals that the thread itself raises are for it; all others are the owner's. */
static void
make_thread(struct worker *w)
{
	static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGABRT};
	sigset_t mask, outer;

	(void)sigfillset(&mask);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		(void)sigdelset(&mask, own[i]);
	(void)pthread_sigmask(SIG_SETMASK, &mask, &outer);
	w->has_thread = pthread_create(&w->thread, NULL, work, w) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &outer, NULL);
}

/* Until nothing is left to do; then the process may be stopped again. */
static void
settle(struct worker *w)
{
	(void)pthread_mutex_lock(&w->mutex);
	while (w->count > 0)
		(void)pthread_cond_wait(&w->changed, &w->mutex);
	(void)pthread_mutex_unlock(&w->mutex);
	if (w->gave)
		(void)pthread_sigmask(SIG_SETMASK, &w->outer, NULL);
	w->gave = false;
}

/* Block the stops. One that came meanwhile is let in now, and not at the end of a long run. */
static void
hold_stops(struct worker *w)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t set, pending;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(stops); i++)
		(void)sigaddset(&set, stops[i]);
	if (w->gave && sigpending(&pending) == 0 && sigandset(&pending, &pending, &set) == 0 && !sigisemptyset(&pending))
		settle(w);
	if (!w->gave)
		(void)pthread_sigmask(SIG_BLOCK, &set, &w->outer);
	w->gave = true;
}

void
worker_give(struct worker *w, void *arg)
{
	if (!w->has_thread)
		make_thread(w);
	hold_stops(w);
	if (!w->has_thread) {
		do_job(w, arg);
		return;
	}
	(void)pthread_mutex_lock(&w->mutex);
	while (w->count == w->depth)
		(void)pthread_cond_wait(&w->changed, &w->mutex);
	w->args[(w->first + w->count) % w->depth] = arg;
	w->count++;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->mutex);
}

int
worker_wait(struct worker *w)
{
	int rc;

	settle(w);
	rc = w->rc;
	w->rc = STATUS_OK;
	return rc == STATUS_OK ? STATUS_OK : status_fail(rc, "%s", w->message);
}

void
worker_close(struct worker *w)
{
	if (w == NULL)
		return;
	settle(w);
	if (w->has_thread) {
		(void)pthread_mutex_lock(&w->mutex);
		w->ends = true;
		(void)pthread_cond_signal(&w->changed);
		(void)pthread_mutex_unlock(&w->mutex);
		(void)pthread_join(w->thread, NULL);
	}
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w->args);
	free(w);
}
