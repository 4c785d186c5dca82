/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "prove/database.h"
#include "prove/replica.h"
#include "prove/served.h"

#define ANSWER_S 2

struct listening {
	const struct database *database;
	uint16_t port;
};

/* Once for each port, on however many addresses it is. */
static size_t find_databases(struct trial *t, const struct rows *rows, struct listening **ret)
{
	VEC(struct listening) all = {0};

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = rows->p[i];
		uint16_t port = (uint16_t)trial_number(rows, row, "port", 0);
		const struct database *d = database_of(trial_text(rows, row, "process"), port);
		bool known = !d || !str_is(trial_text(rows, row, "protocol"), "tcp");

		for (size_t k = 0; k < all.n; k++)
			known |= all.p[k].database == d && all.p[k].port == port;
		if (!known)
			*vec_push(t->arena, &all) = (struct listening){d, port};
	}
	*ret = all.p;
	return all.n;
}

static enum database_answer ask(const struct database *d, int fd)
{
	const struct timeval limit = {.tv_sec = ANSWER_S};
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return DATABASE_SILENT;
	return d->ask(fd);
}

/* A port that is served to the origin may answer; whom it lets in without a password, nobody may
 * be. */
static void judge_answer(struct trial *t, const struct listening *l, const struct origin *from,
						 const struct target *to, bool served, enum database_answer answer)
{
	static const char *const words[] = {
		[DATABASE_SILENT] = "says nothing that is known",
		[DATABASE_REFUSES] = "lets nobody in without a password",
		[DATABASE_LETS_IN] = "lets anybody in without a password",
	};

	if (answer == DATABASE_LETS_IN || !served)
		trial_refuted(t, "%s (port %u of %s) answers %s, and %s", l->database->name, l->port,
					  to->text, from->who, words[answer]);
	else if (answer == DATABASE_REFUSES)
		trial_proven(t, "%s (port %u of %s) is served to %s, and %s", l->database->name, l->port,
					 to->text, from->who, words[answer]);
	else
		trial_not_run(t, "%s (port %u of %s) is served to %s, and %s", l->database->name, l->port,
					  to->text, from->who, words[answer]);
}

struct attempt {
	const struct listening *what;
	const struct origin *from;
	const struct target *to;
	bool served;
};

/* Connections that come about side by side, so that there is one time to wait for all that do not; few, as
 * each has a place that is somebody else's otherwise. */
#define BATCH 24
struct batch {
	struct trial *t;
	bool is_copy;
	struct attempt p[BATCH];
	int fds[BATCH];
	size_t n;
};

/* In a copy of the packet filter a socket stands for the database, which has nothing to say. */
static void judge_attempt(const struct batch *b, const struct attempt *at, int fd)
{
	const struct listening *l = at->what;
	const char *name = l->database->name, *to = at->to->text, *who = at->from->who;
	struct trial *t = b->t;

	if (fd >= 0 && b->is_copy && at->served)
		trial_saw(t, "%s (port %u of %s) is served to %s, who could not be asked", name, l->port,
				  to, who);
	else if (fd >= 0)
		judge_answer(t, l, at->from, at->to, at->served,
					 b->is_copy ? DATABASE_SILENT : ask(l->database, fd));
	else if (fd == -ECONNREFUSED || fd == -ETIMEDOUT || fd == -EACCES || fd == -EHOSTUNREACH)
		trial_proven(t, "%s (port %u of %s) does not answer %s: %s", name, l->port, to, who,
					 strerror(-fd));
	else
		trial_not_run(t, "%s (port %u of %s) cannot be tried from %s: %s", name, l->port, to, who,
					  strerror(-fd));
}

static void end_batch(struct batch *b)
{
	outside_await(b->fds, b->n);
	for (size_t i = 0; i < b->n; i++) {
		judge_attempt(b, &b->p[i], b->fds[i]);
		close_fd(&b->fds[i]);
	}
	b->n = 0;
}

static void add_attempt(struct batch *b, const struct attempt *at)
{
	b->p[b->n] = *at;
	b->fds[b->n++] = outside_begin(at->from, at->to, at->what->port, SOCK_STREAM);
	if (b->n == BATCH)
		end_batch(b);
}

/* Without a site file there is no saying what others than an outsider may reach. */
static void try_origin(struct batch *b, const struct outside *o, const struct origin *from,
					   const struct listening *all, size_t n)
{
	bool *served = arena_new(b->t->arena, bool, PORTS);

	served_to(b->t, from, false, served);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < o->targets.n; k++) {
			const struct attempt at = {&all[i], from, &o->targets.p[k], served[all[i].port]};

			if (at.to->family == from->family && (from->kind == ORIGIN_OUTSIDER || at.served))
				add_attempt(b, &at);
		}
}

static void try_all(struct trial *t, const struct outside *o, bool is_copy)
{
	struct batch batch = {.t = t, .is_copy = is_copy};
	const struct rows *rows = trial_rows(t, "listeners");
	const struct copied_socket *sockets;
	struct listening *all;
	size_t n = rows ? find_databases(t, rows, &all) : 0;

	if (is_copy)
		(void)replica_listen(t, o, &sockets);
	for (size_t i = 0; i < o->origins.n; i++)
		if (outside_has(&o->origins.p[i]))
			try_origin(&batch, o, &o->origins.p[i], all, n);
	end_batch(&batch);
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "listeners");
	struct listening *all;

	if (rows && find_databases(t, rows, &all) == 0)
		trial_not_run(t, "no database listens here that is known");
	else if (rows)
		replica_try(t, ORIGINS_ALL, false, try_all);
}

static const struct experiment services_database = {
	.name = "services.database-refuses",
	.title = "Databases answer nobody outside, and nobody without a password",
	.doc = "An outsider, and whoever the site file serves them to, connects to each database on "
		   "each address of this host, over IPv4 and IPv6; where one answers it is asked to let "
		   "them in without a password",
	.does = "connects to databases on a wire of its own into this host; for its time, packets to "
			"the addresses that it uses go there; databases may log it",
	.rows = NAMES("I2"),
	.rules =
		NAMES("listeners.database", "listeners.open-store", "db.redis-open", "db.memcached-open",
			  "db.mongodb-no-login", "db.influxdb-no-login", "db.postgres-no-trust"),
	.seconds = 30,
	.tables = NAMES("listeners"),
	.run = run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(services_database);
