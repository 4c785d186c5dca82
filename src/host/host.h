/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as an argument: everything a table learns, it learns through these functions, so the
 * same table reads the live machine, a tree (`--root DIR`), or a recording made with `--record`.
 *
 * A live host also answers /proc, /sys, helper programs and kernel queries; a tree answers files
 * only, and the rest fails with -EOPNOTSUPP, "offline". A recording answers exactly what was asked
 * when it was made; anything else fails with -ENODATA, "not in the recording", so that a missing
 * entry never looks like a missing file.
 *
 * All functions are thread safe; what they return lives in the caller's arena (one per thread).
 * Errors: negative errno with "PATH: reason" in err. -ENOENT and -EACCES mean what they say.
 */
#ifndef REVET_HOST_HOST_H
#define REVET_HOST_HOST_H

#include "base/err.h"
#include "base/path.h"

struct buf;
struct host;

#define HOST_MAX_FILE ((size_t)16 << 20) /* no single file that is read may be larger */
#define HOST_MAX_DIR 65536               /* no directory may list more entries */

/* The root is "/" (live), a tree, or a recording's directory, which holds a file `recording` and does
 * not look like a system's root. NULL with err on failure. */
struct host *host_open(const char *root, struct err *);
void host_free(struct host *);
#define _cleanup_host_ _cleanup_(host_freep)
static inline void host_freep(struct host **h)
{
	host_free(*h);
}

/* A host made of a recording's text, which is borrowed. What it does not hold is `missing`:
 * ENODATA for real recordings, ENOENT for tests that name all there is. */
struct host *host_open_recording(struct str text, int missing, struct err *);

bool host_is_live(const struct host *);     /* or a recording of a live host */
bool host_is_recording(const struct host *);
bool host_is_recorded(const struct host *); /* host_record() was called: later others will ask */
const char *host_root(const struct host *); /* as given to host_open() */
int64_t host_now(const struct host *);      /* seconds since 1970; a recording's own time */
bool host_is_root(const struct host *);     /* read with uid 0 (for a recording: was) */

/* The whole of a regular file, NUL behind it. */
int host_read(struct host *, const char *path, struct arena *, struct str *ret, struct err *);
/* From now on this is what host_read() says of the file, whatever is there; both are borrowed. For one
 * file, and before anything is read. */
void host_give(struct host *, const char *path, struct str text);
/* The files that this thread asks for from now on, whether they are there or not, one as often as it is
 * read; NULL: no longer. */
struct host_reads {
	struct arena *arena;
	const char **p;
	size_t n, cap;
};
void host_watch(struct host_reads *);
/* The same, but what comes back, and what is recorded, has gone through `scrub`, which takes the
 * secrets out: it appends to *out what may be kept of text, and changes nothing the second time. For
 * shadow and the like; host/secret.h has some. A recording has what each of several left of a file under
 * its name. */
#define host_read_scrubbed(host, path, scrub, arena, ret, err) \
	host_read_scrubbed_by(host, path, scrub, #scrub, arena, ret, err)
int host_read_scrubbed_by(struct host *, const char *path,
						  void (*scrub)(struct str text, struct buf *out), const char *name,
						  struct arena *, struct str *ret, struct err *);
/* From now on a file that was scrubbed is read once, and what was left of it is told to whoever asks
 * again; likewise what host_shared() gives: for the time in which all that is read is to fit together. */
void host_remember(struct host *);
/* follow: the target of a link. */
int host_stat(struct host *, const char *path, bool follow, struct path_stat *ret, struct err *);
/* The first of the paths, NULL behind the last, that there is; -ENOENT: none. */
int host_first(struct host *, const char *const paths[], const char **ret, struct err *);
int host_readlink(struct host *, const char *path, struct arena *, struct str *ret, struct err *);

/* A link to /dev/null, which is how configuration is masked: a file of that name without content. No
 * other device will do. */
bool host_is_masked(struct host *, const char *path, struct arena *);

struct host_dir {
	struct path_entry *entries; /* sorted by name */
	size_t n;
	bool more; /* there were over HOST_MAX_DIR: the caller owes its rows a gap */
};
int host_list(struct host *, const char *path, struct arena *, struct host_dir *ret, struct err *);
/* Files in a directory whose name ends in `suffix`, as full paths, sorted: all but directories, for a
 * FIFO or a device may well be read by whoever reads the directory, and here it is an error to read.
 * A directory that is not there is empty and no error. With a suffix hidden files are left out, as
 * shells' patterns and most that read "*.conf" do; with "" the caller judges names itself. */
int host_list_files(struct host *, const char *path, const char *suffix, struct arena *,
					struct str **ret, size_t *ret_n, struct err *);
/* The same with the hidden ones, for programs that look at the end of a name alone. */
int host_list_all_files(struct host *, const char *path, const char *suffix, struct arena *,
						struct str **ret, size_t *ret_n, struct err *);
/* Configuration in systemd's manner: for the same file name the first directory wins, the names of
 * all directories are sorted together; a link to /dev/null masks the later ones and is left out. */
int host_list_conf(struct host *, const char *const dirs[], const char *suffix, struct arena *,
				   struct str **ret, size_t *ret_n, struct err *);

/* A helper program. Tables name theirs in their descriptor; they are started, before the process
 * confines itself, and collected here. A program that is not installed: -ENOENT. A program that
 * failed is an error whose message is its exit status and first line of stderr. */
struct helper {
	const char *const *argv; /* absolute program first, NULL-terminated */
	size_t max;              /* bytes of output; 0: HOST_MAX_FILE */
	int timeout_ms;          /* 0: 10 s */
	bool status_ok;          /* any exit status will do */
	const char *needs;       /* a path that must exist for it to make sense, or NULL */
	bool rare;               /* mostly nobody asks: it only begins when host_run() wants it */
};
int host_run(struct host *, const struct helper *, struct arena *, struct str *ret, struct err *);
/* Starts it now, without waiting; host_run() will find it. No-op but on a live host. */
void host_prestart(struct host *, const struct helper *);

/* A kernel query: something that is neither file nor program (netlink, D-Bus, uname). `live` writes
 * its answer as text, one record a line, which is what comes back, what is recorded and what the
 * caller parses. Run once per host for each name and remembered. */
struct query {
	const char *name; /* "sock_diag" */
	int (*live)(struct host *, struct buf *out, struct err *);
	/* Instead of `live`, for a question with an argument; the name must tell the arguments apart. */
	int (*live_with)(struct host *, const void *data, struct buf *out, struct err *);
	const void *data;
	size_t max; /* 0: HOST_MAX_FILE */
	bool tree;  /* works on a tree too, through host_root_fd(): it reads files, only too many */
	bool files; /* with tree: it asks this header alone; of a recording too, which lacks its answer */
};
int host_query(struct host *, const struct query *, struct arena *, struct str *ret, struct err *);

/* What several tables make of files, and each would make the same: while the host remembers, it is made
 * once, by whoever asks first, and then belongs to the host. */
struct shared {
	const char *name;
	const void *(*make)(struct host *,
						struct arena *); /* never NULL; what it could not read is in it */
};
/* NULL: the caller makes one for itself, for nothing is remembered, it could not be made, or nobody has
 * asked yet and this one would not `begin`, because it needs a part only. */
const void *host_shared(struct host *, const struct shared *, bool begin);

/* Starts it now, in a thread that confines itself first and before this returns; host_query() will
 * wait for it, or ask by itself when the thread could not be confined. For struct table.early. */
void host_query_start(struct host *, const struct query *, int (*confine)(struct err *));
/* The calling thread stops for good, perhaps in the middle of queries: whoever waits for their
 * answers gets this error instead. */
void host_give_up(int error, const char *why);

/* Starts it now, in a process of its own that is not confined and ends with its answer: for a question
 * to a service, which the confined process must have no way to talk to. For struct table.early. */
void host_query_fork(struct host *, const struct query *);
/* Only for the `live` of such a query, once it has opened what it is about to parse: a process of its
 * own confines itself. Any other does so anyway before it parses. */
int host_query_confine(struct err *);

/* Only for a query's `live`: the fd of the root directory. */
int host_root_fd(const struct host *);

/* Keeps everything that is answered from now on, for host_recording(). */
void host_record(struct host *);
/* The recording so far, as the text of the file `recording`. */
int host_recording(struct host *, struct buf *out);

#endif
