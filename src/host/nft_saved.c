/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nft_saved.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/confine.h"
#include "base/exec.h"
#include "base/num.h"
#include "host/fields.h"
#include "host/glob.h"
#include "host/nft_sets.h"
#include "host/unit_command.h"

#define NFT "/usr/sbin/nft"
#define LOAD_MS 3000 /* a pattern may include a great many files, and a name a pipe */
#define MEMORY_MAX ((rlim_t)1 << 30)

/* --- loading --------------------------------------------------------------------------------- */

struct errand {
	struct host *host;
	const char *path;
	struct buf *out;
	struct err *err;
	int result;
};

/* nft looks for what is included by a relative name where it is started. */
static int limit(void *unused _unused_)
{
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX},
						seconds = {LOAD_MS / 1000, LOAD_MS / 1000};

	return chdir("/") < 0 || setrlimit(RLIMIT_AS, &memory) < 0 ||
		   setrlimit(RLIMIT_CPU, &seconds) < 0 || confine_helper() < 0;
}

static int run(const char *const argv[], struct arena *a, struct exec_result *ret, struct err *err)
{
	struct exec e = exec_start(argv, limit, NULL);
	int r = exec_finish(&e, HOST_MAX_FILE, LOAD_MS, a, ret, err);

	return r < 0 ? err_context(err, NFT) : 0;
}

/* What fails here and might not at boot: there are no interfaces but lo, no way to a name server, and
 * perhaps no right to load a module. */
static bool may_be_otherwise(const struct exec_result *result, struct str why)
{
	static const char *const signs[] = {"Interface does not exist", "resolve hostname",
										"Could not process rule", "not permitted", "internal"};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (str_has(why, signs[i]))
			return true;
	return result->status != 1 || !str_has(why, "Error:");
}

/* "In file included from ..." stands before the line that says what is wrong. */
static struct str complaint(struct str text)
{
	struct str line, found = STR("");

	while (str_line(&text, &line))
		if (str_has(line, "Error:"))
			return line;
		else if (!found.n)
			found = line;
	return found;
}

static int load(const struct errand *e, struct arena *a)
{
	struct exec_result result;
	int r = run((const char *const[]){NFT, "-f", e->path, NULL}, a, &result, e->err);
	struct str why = r < 0 ? STR("") : complaint(result.err);

	if (r == 0 && result.status && may_be_otherwise(&result, why))
		return err_set(e->err, EIO, "%s cannot be loaded to compare it with what is in force: %.*s",
					   e->path, (int)MIN(why.n, (size_t)200), why.p);
	if (r < 0)
		return r;
	if (result.status) {
		buf_puts(e->out, "broken");
		fields_put(e->out, "why", why);
		return 0;
	}
	r = nft_sets_ask(e->host, e->out, e->err);
	if (r == 0)
		r = run((const char *const[]){NFT, "-j", "-t", "list", "ruleset", NULL}, a, &result,
				e->err);
	if (r == 0 && result.status)
		r = err_set(e->err, EIO, NFT ": exit %d", result.status);
	buf_putc(e->out, '\n');
	return r < 0 ? r : buf_str(e->out, result.out);
}

static void *go_alone(void *data)
{
	_cleanup_arena_ struct arena a = {0};
	struct errand *e = data;

	e->result =
		unshare(CLONE_NEWNET) < 0
			? err_errno(e->err, errno, "no network namespace can be had to load %s in", e->path)
			: load(e, &a);
	return NULL;
}

/* A thread has a network namespace of its own, in which what it starts is, too. */
static int load_alone(struct host *host, const void *path, struct buf *out, struct err *err)
{
	struct errand e = {.host = host, .path = path, .out = out, .err = err};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, go_alone, &e);

	if (r)
		return err_errno(err, r, "no thread to load %s in", e.path);
	pthread_join(thread, NULL);
	return e.result;
}

/* On Debian and Arch, on the RHEL family, on Alpine. */
#define SAVED(file)                                                      \
	{                                                                    \
		.name = "nft_saved " file, .live_with = load_alone, .data = file \
	}
static const struct query queries[] = {
	SAVED("/etc/nftables.conf"),
	SAVED("/etc/sysconfig/nftables.conf"),
	SAVED("/etc/nftables.nft"),
};

static bool may_start(struct host *host, struct arena *a)
{
	static const char *const links[] = {"/etc/systemd/system/*.wants/nftables.service",
										"/etc/systemd/system/*.requires/nftables.service",
										"/run/systemd/system/*.wants/nftables.service",
										"/etc/runlevels/*/nftables"};
	struct err ignored = {0};
	struct str *found;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (host_glob(host, a, str_of(links[i]), &found, &n, &ignored) == 0 && n)
			return true;
	return false;
}

void nft_saved_early(struct host *host)
{
	_cleanup_arena_ struct arena a = {0};
	struct err ignored = {0};
	struct path_stat st;

	if (!host_is_live(host) || !host_is_root(host) || !may_start(host, &a))
		return;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		if (host_stat(host, queries[i].data, true, &st, &ignored) == 0)
			host_query_fork(host, &queries[i]);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What "nft -f FILE" names; absent: it is another command. */
static struct str file_of(const struct unit_command *c)
{
	const struct str *word = c->words.p;

	if (c->why || c->words.n != 3 || !str_ends(word[0], "/nft") ||
		(!str_is(word[1], "-f") && !str_is(word[1], "--file")))
		return STR_ABSENT;
	return word[2];
}

static const struct query *query_of(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		if (str_is(path, queries[i].data))
			return &queries[i];
	return NULL;
}

static const struct query *choose(struct host *host, struct arena *a,
								  const struct unit_file *service, struct err *err)
{
	const struct query *found;
	struct unit_commands commands;

	if (!service)
		return query_of(STR("/etc/nftables.nft"));
	unit_commands_read(host, a, service, &commands);
	found = commands.all.n == 1 ? query_of(file_of(&commands.all.p[0])) : NULL;
	if (!found)
		err_set(
			err, ENOTSUP,
			"%.*s does not load one file of the usual name alone, so it is not known what it loads",
			STR_ARG(service->name));
	return found;
}

/* "/etc/nftables.conf:5:3-20: Error: ..." */
static void take_complaint(struct arena *a, struct str why, struct nft_saved *ret)
{
	struct str rest = why, path, line;
	uint64_t number;

	ret->broken = str_dup(a, why);
	if (str_cut(&rest, ':', &path) && str_is(path, ret->path) && str_cut(&rest, ':', &line) &&
		num_u64(line, 1, UINT32_MAX, &number) == 0)
		ret->line = (unsigned)number;
}

int nft_saved_read(struct host *host, struct arena *a, const struct unit_file *service,
				   struct nft_saved *ret, struct err *err)
{
	const struct query *query = choose(host, a, service, err);
	struct str text, line;
	int r = query ? host_query(host, query, a, &text, err) : -ENOTSUP;

	if (r < 0)
		return r;
	*ret = (struct nft_saved){.path = query->data, .sets = {text.p, 0}};
	if (str_skip(&text, "broken why=")) {
		take_complaint(a, fields_plain(a, str_trim(text)), ret);
		return 0;
	}
	while (str_line(&text, &line) && line.n)
		ret->sets.n = (size_t)(line.p + line.n - ret->sets.p);
	ret->list = text;
	return 0;
}
