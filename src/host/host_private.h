/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `struct host` share: host.c (files), host_run.c (programs), host_query.c (kernel
 * queries). For these three only. */
#ifndef REVET_HOST_HOST_PRIVATE_H
#define REVET_HOST_HOST_PRIVATE_H

#include <pthread.h>

#include "base/buf.h"
#include "base/exec.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/host.h"
#include "host/recording.h"

struct errand;

/* A helper runs once: several tables may need what the same one says. */
struct helper_run {
	const struct helper *helper;
	struct exec exec;
	int missing;          /* errno when there is nothing to start */
	pthread_mutex_t lock; /* of all below; held while it is waited for */
	bool done;
	int error;
	struct err err;
	struct arena arena;
	struct str out;
};

struct memo {
	const char *name;
	pthread_mutex_t lock; /* held while the query runs */
	bool done;
	int error;
	struct err err;
	struct buf answer;
	struct errand *errand; /* a thread that runs it already, or NULL */
	int child, child_fd;   /* a process that does, and its answer; -1 */
	struct memo *outer;    /* while it runs: the query of the same thread that asked for this one */

	const struct shared *shared; /* this is no query: what was made, and where it lives */
	const void *made;
	struct arena arena;
	unsigned round;
};

struct host {
	char *root;
	int root_fd;
	bool live, is_root;
	int64_t now;
	const char *given_path; /* of host_give(); NULL: nothing was */
	struct str given;

	bool replay; /* answers come from `recording`, what is not there is `missing` */
	int missing;
	struct recording recording;

	pthread_mutex_t lock; /* of all below */
	struct arena arena;
	VEC(struct helper_run *) runs;
	VEC(struct memo *) memos;
	struct map memo_of;  /* those of queries, by their names */
	unsigned round;      /* how often it was told to remember; 0: it does not */
	struct map scrubbed; /* struct str, by operation and path */
	size_t scrubbed_bytes;
	bool record;
	struct buf recorded;
	struct map recorded_keys;
};

/* What the host itself holds is no table's, and nobody may give up with the lock in hand. */
static inline struct mem_limit *lock(struct host *h)
{
	struct mem_limit *limit = mem_limit(NULL);

	pthread_mutex_lock(&h->lock);
	return limit;
}

static inline void unlock(struct host *h, struct mem_limit *limit)
{
	pthread_mutex_unlock(&h->lock);
	mem_limit(limit);
}

/* Keeps an answer, while a recording is made. */
void host_keep(struct host *, const char *op, const char *subject, int error, struct str data);
/* The recorded answer; its error, or absence, as this function's. */
int host_replay(struct host *, const char *op, const char *subject, struct str *ret, struct err *);
/* -EOPNOTSUPP: a tree has no such thing. */
int host_offline(const char *what, struct err *);

/* An error that a table shares with others, as shortage_note() takes it. */
int host_note_shared(int error, const char *what);

/* For host_free(): ends what is still running. */
void host_end_programs(struct host *);
void host_end_queries(struct host *);

#endif
