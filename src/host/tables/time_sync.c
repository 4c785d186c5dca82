/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps the clock right, and whether it is. */
#include <sys/timex.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/conf.h"
#include "host/edit.h"
#include "host/fields.h"
#include "host/glob.h"
#include "host/procs.h"
#include "host/table.h"
#include "host/unitfile.h"

#define MAX_INCLUDES 64
/* systemd's ntp_synced(): what the kernel lets the error grow to when nobody corrects it.
 * STA_UNSYNC is not asked, as it also serves to keep the kernel from writing the hardware clock. */
#define MAX_ERROR_US 16000000

enum { SERVICE, SERVICES, ACTIVE, SYNCHRONIZED, SERVERS, SEVERAL };

static const struct column columns[] = {
	[SERVICE] = {"service", TYPE_STRING,
				 "chrony, systemd-timesyncd, ntpsec, ntp, openntpd or none: the one that runs, "
				 "else that starts at boot, else that is installed",
				 COLUMN_LABEL},
	[SERVICES] = {"services", TYPE_LIST, "All that are installed", 0},
	[ACTIVE] = {"active", TYPE_BOOL, "The service runs", COLUMN_SETTABLE},
	[SYNCHRONIZED] = {"synchronized", TYPE_BOOL, "The kernel holds the clock for right", 0},
	[SERVERS] = {"servers", TYPE_LIST, "Servers, pools and peers that the service is told to ask",
				 COLUMN_SETTABLE},
	[SEVERAL] = {"several", TYPE_BOOL,
				 "More than one runs, or, where that is not known, starts at boot", 0},
	{0},
};

struct reader {
	struct host *host;
	struct arena *arena;
	VEC(struct str) servers;
	struct from from;    /* of the servers */
	const char *unknown; /* why the servers are not known */
	unsigned included;
};

struct service {
	const char *name;
	const char *programs[2]; /* which of them there is tells that it is installed */
	const char *process;     /* as /proc says it: at most 15 bytes */
	const char *conf[3];     /* the first that is there; what tells services of one program apart */
	const char *enabled[4];  /* patterns of links that start it at boot */
	void (*read_servers)(struct reader *, const char *conf);
	const struct started *started; /* with the configuration that has them */
};

/*
 * The query: what adjtimex(2) says when asked to change nothing.
 */

static int adjtimex_live(struct host *host _unused_, struct buf *out, struct err *err)
{
	struct timex tx = {0};

	if (adjtimex(&tx) < 0)
		return err_errno(err, errno, "adjtimex");
	buf_printf(out, "maxerror=%ld status=%d\n", tx.maxerror, tx.status);
	return 0;
}

static const struct query adjtimex_query = {.name = "adjtimex", .live = adjtimex_live};

static void set_synchronized(struct host *host, struct rows *rows, struct row *row)
{
	struct str text, name, value;
	struct err err = {0};
	uint64_t error;

	if (host_query(host, &adjtimex_query, rows->arena, &text, &err) < 0) {
		row_unknown(row, SYNCHRONIZED, arena_strdup(rows->arena, err.msg));
		return;
	}
	while (fields_next(&text, &name, &value))
		if (str_is(name, "maxerror") && num_u64(value, 0, INT64_MAX, &error) == 0)
			row_bool(row, SYNCHRONIZED, error < MAX_ERROR_US);
	row_from(row, SYNCHRONIZED, FROM("adjtimex", 0));
}

/*
 * Servers.
 */

static void add_server(struct reader *r, struct str server, const char *file, unsigned line)
{
	if (!r->servers.n)
		r->from = FROM(file, line);
	*vec_push(r->arena, &r->servers) = server;
}

static bool read_items(struct reader *r, const char *path, struct conf *conf)
{
	struct err err = {0};
	int e = conf_read(r->host, r->arena, path, CONF_SPACE, conf, &err);

	if (e < 0 && e != -ENOENT)
		r->unknown = arena_strdup(r->arena, err.msg);
	return e == 0;
}

static bool is_source(struct str key)
{
	return str_is_one_of_nocase(key, NAMES("server", "pool", "peer", "refclock"));
}

/* "server NAME options"; `refclock` is hardware, whose driver is its name. */
static void add_source(struct reader *r, const struct conf_item *item)
{
	struct str words = item->value, word;

	/* The classic ntpd takes "-4" and "-6" before the name. */
	while (str_word(&words, &word)) {
		if (word.p[0] == '-' && word.n == 2)
			continue;
		add_server(r, word, item->file, item->line);
		return;
	}
}

static void read_chrony(struct reader *, const char *);

static void read_chrony_dir(struct reader *r, struct str dirs, const char *suffix)
{
	struct str dir;

	while (str_word(&dirs, &dir)) {
		struct str *files;
		size_t n = 0;
		struct err err = {0};

		if (host_list_files(r->host, str_dup(r->arena, dir), suffix, r->arena, &files, &n,
							&err) < 0)
			r->unknown = arena_strdup(r->arena, err.msg);
		for (size_t i = 0; i < n; i++)
			read_chrony(r, files[i].p);
	}
}

static void read_chrony_include(struct reader *r, struct str pattern)
{
	struct str *files;
	size_t n = 0;
	struct err err = {0};

	if (host_glob(r->host, r->arena, pattern, &files, &n, &err) < 0)
		r->unknown = arena_strdup(r->arena, err.msg);
	for (size_t i = 0; i < n; i++)
		read_chrony(r, files[i].p);
}

/* See chrony.conf(5): confdir takes *.conf, sourcedir *.sources. Files may include each other. */
static void read_chrony(struct reader *r, const char *path)
{
	struct conf conf = {0};

	if (r->included++ == MAX_INCLUDES) {
		r->unknown = "chrony.conf includes too many files";
		return;
	}
	if (r->included > MAX_INCLUDES || !read_items(r, path, &conf))
		return;
	for (size_t i = 0; i < conf.n; i++) {
		const struct conf_item *item = &conf.items[i];

		if (is_source(item->key))
			add_source(r, item);
		else if (str_is_nocase(item->key, "confdir"))
			read_chrony_dir(r, item->value, ".conf");
		else if (str_is_nocase(item->key, "sourcedir"))
			read_chrony_dir(r, item->value, ".sources");
		else if (str_is_nocase(item->key, "include"))
			read_chrony_include(r, item->value);
	}
}

static void read_ntp(struct reader *r, const char *path)
{
	struct conf conf = {0};

	read_items(r, path, &conf);
	for (size_t i = 0; i < conf.n; i++)
		if (is_source(conf.items[i].key))
			add_source(r, &conf.items[i]);
}

static void read_openntpd(struct reader *r, const char *path)
{
	struct conf conf = {0};

	read_items(r, path, &conf);
	for (size_t i = 0; i < conf.n; i++)
		if (is_source(conf.items[i].key) || str_is(conf.items[i].key, "servers"))
			add_source(r, &conf.items[i]);
}

/* An empty assignment resets the list (systemd.syntax(7)). */
static void add_assigned(struct reader *r, const struct conf *conf, const char *key)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct conf_item *item = &conf->items[i];
		struct str words = item->value, word;

		if (!str_is(item->section, "Time") || !str_is(item->key, key))
			continue;
		if (!item->value.n)
			r->servers.n = 0;
		while (str_word(&words, &word))
			add_server(r, word, item->file, item->line);
	}
}

/* NTP= comes first, and FallbackNTP= holds when it names nobody. */
static void read_timesyncd(struct reader *r, const char *path _unused_)
{
	struct conf conf = {0};
	struct err err = {0};

	if (conf_read_systemd(r->host, r->arena, "timesyncd.conf", &conf, &err) < 0)
		r->unknown = arena_strdup(r->arena, err.msg);
	if (conf.gap)
		r->unknown = conf.gap;
	add_assigned(r, &conf, "NTP");
	if (!r->servers.n)
		add_assigned(r, &conf, "FallbackNTP");
	if (!r->servers.n && !r->unknown)
		r->unknown = "timesyncd.conf names none; those of the network or built into systemd are "
					 "asked";
}

static const struct started chrony_started = {
	.programs = STARTED("chronyd", "chronyd-starter.sh"),
	.units = STARTED("chrony.service", "chronyd.service"),
	.usual = STARTED("-f /etc/chrony/chrony.conf", "-f /etc/chrony.conf", "-F *", "-4", "-6", "-d",
					 "-n", "-x", "-r", "-s", "-m", "-u *", "-L *"),
};

static const struct started ntp_started = {
	.programs = STARTED("ntpd", "ntp-systemd-wrapper", "openntpd"),
	.units = STARTED("ntpsec.service", "ntp.service", "ntpd.service", "openntpd.service"),
	.usual = STARTED("-c /etc/ntpsec/ntp.conf", "-c /etc/ntp.conf", "-f /etc/openntpd/ntpd.conf",
					 "-f /etc/ntpd.conf", "-p *", "-u *", "-g", "-N", "-d", "-n", "-s"),
};

static const struct service services[] = {
	{
		.name = "chrony",
		.programs = {"/usr/sbin/chronyd"},
		.process = "chronyd",
		.conf = {"/etc/chrony/chrony.conf", "/etc/chrony.conf"},
		.enabled = {"/etc/systemd/system/*.wants/chrony.service",
					"/etc/systemd/system/*.wants/chronyd.service", "/etc/runlevels/*/chronyd"},
		.read_servers = read_chrony,
		.started = &chrony_started,
	},
	{
		.name = "systemd-timesyncd",
		.programs = {"/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"},
		.process = "systemd-timesyn",
		.enabled = {"/etc/systemd/system/*.wants/systemd-timesyncd.service"},
		.read_servers = read_timesyncd,
	},
	{
		.name = "ntpsec",
		.programs = {"/usr/sbin/ntpd"},
		.process = "ntpd",
		.conf = {"/etc/ntpsec/ntp.conf"},
		.enabled = {"/etc/systemd/system/*.wants/ntpsec.service"},
		.read_servers = read_ntp,
		.started = &ntp_started,
	},
	{
		.name = "ntp",
		.programs = {"/usr/sbin/ntpd"},
		.process = "ntpd",
		.conf = {"/etc/ntp.conf"},
		.enabled = {"/etc/systemd/system/*.wants/ntp.service",
					"/etc/systemd/system/*.wants/ntpd.service", "/etc/runlevels/*/ntpd"},
		.read_servers = read_ntp,
		.started = &ntp_started,
	},
	{
		.name = "openntpd",
		.programs = {"/usr/sbin/ntpd", "/usr/sbin/openntpd"},
		.process = "ntpd",
		.conf = {"/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"},
		.enabled = {"/etc/systemd/system/*.wants/openntpd.service", "/etc/runlevels/*/openntpd"},
		.read_servers = read_openntpd,
		.started = &ntp_started,
	},
};

/*
 * Which there are.
 */

struct state {
	struct host *host;
	struct rows *rows;
	struct procs procs;
	const char *no_procs; /* why it is not known what runs */
	const char *unseen;   /* why one that was not found may be there all the same */
	const struct service *installed, *enabled, *running; /* the first of each */
	const struct service *last;                          /* that is installed */
	size_t n_enabled, n_running;
	VEC(struct str) names;
};

static void note(struct state *s, int r, const struct err *err)
{
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && !s->unseen)
		s->unseen = arena_strdup(s->rows->arena, err->msg);
}

static bool exists(struct state *s, const char *path)
{
	struct path_stat st;
	struct err err = {0};
	int r = path ? host_stat(s->host, path, true, &st, &err) : -ENOENT;

	note(s, r, &err);
	return r == 0;
}

static const char *conf_of(struct state *state, const struct service *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->conf) && s->conf[i]; i++)
		if (exists(state, s->conf[i]))
			return s->conf[i];
	return NULL;
}

static const char *program_of(struct state *state, const struct service *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->programs); i++)
		if (exists(state, s->programs[i]))
			return s->programs[i];
	return NULL;
}

/* Three services call their program ntpd. */
static bool is_installed(struct state *state, const struct service *s)
{
	return program_of(state, s) && (strcmp(s->process, "ntpd") != 0 || conf_of(state, s));
}

static bool is_running(const struct procs *procs, const struct service *s)
{
	for (size_t i = 0; i < procs->n; i++)
		if (str_is(procs->p[i].name, s->process))
			return true;
	return false;
}

/* `systemctl mask` leaves the links that start the unit. */
static bool is_masked(struct host *host, struct arena *a, struct str link)
{
	const char *unit = memrchr(link.p, '/', link.n);

	return host_is_masked(host, arena_printf(a, "/etc/systemd/system%s", unit), a);
}

static bool is_enabled(struct state *state, const struct service *s)
{
	struct arena *a = state->rows->arena;

	for (size_t i = 0; i < ARRAY_LEN(s->enabled) && s->enabled[i]; i++) {
		struct str *paths;
		size_t n = 0;
		struct err err = {0};
		int r = host_glob(state->host, a, str_of(s->enabled[i]), &paths, &n, &err);

		note(state, r, &err);
		if (r == 0 && n && !is_masked(state->host, a, paths[0]))
			return true;
	}
	return false;
}

/* There is one /usr/sbin/ntpd; the configuration of another may have been left behind. */
static bool is_known_program(const struct state *s, const struct service *service)
{
	return s->last && strcmp(s->last->process, service->process) == 0;
}

static void look_for(struct state *s, const struct service *service)
{
	if (!is_installed(s, service) || is_known_program(s, service))
		return;
	*vec_push(s->rows->arena, &s->names) = str_of(service->name);
	s->last = service;
	if (!s->installed)
		s->installed = service;
	if (is_enabled(s, service)) {
		s->n_enabled++;
		if (!s->enabled)
			s->enabled = service;
	}
	if (is_running(&s->procs, service)) {
		s->n_running++;
		if (!s->running)
			s->running = service;
	}
}

static void set_servers(struct state *s, struct row *row, const struct service *service)
{
	struct reader r = {.host = s->host, .arena = s->rows->arena};
	struct err err = {0};

	service->read_servers(&r, conf_of(s, service));
	if (service->started && started_as_usual(s->host, s->rows->arena, service->started, &err) < 0)
		r.unknown = arena_strdup(s->rows->arena, err.msg);
	if (r.servers.n) {
		row_list(row, SERVERS, r.servers.p, r.servers.n);
		row_from(row, SERVERS, r.from);
	} else if (!r.unknown) {
		row_list(row, SERVERS, NULL, 0);
	}
	if (r.unknown)
		row_unknown(row, SERVERS, r.unknown);
}

/* What was found stands; that there is no other does not. */
static void set_unseen(const struct state *s, struct row *row)
{
	if (!s->installed)
		row_unknown(row, SERVICE, s->unseen);
	if (!s->running)
		row_unknown(row, ACTIVE, s->unseen);
	if (!row->cells[SEVERAL].number)
		row_unknown(row, SEVERAL, s->unseen);
	row_unknown(row, SERVICES, s->unseen);
}

static int read_time_sync(struct host *host, struct rows *rows, struct err *err)
{
	struct state s = {.host = host, .rows = rows};
	const struct service *service;
	struct row *row;

	if (procs_read(host, rows->arena, &s.procs, err) < 0)
		s.no_procs = arena_strdup(rows->arena, err->msg);
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		look_for(&s, &services[i]);
	service = s.running ? s.running : s.enabled ? s.enabled : s.installed;
	row = rows_add(rows, FROM(service ? program_of(&s, service) : "procs", 0));
	row_strz(row, SERVICE, service ? service->name : "none");
	row_list(row, SERVICES, s.names.p, s.names.n);
	if (s.no_procs && service)
		row_unknown(row, ACTIVE, s.no_procs);
	else
		row_bool(row, ACTIVE, s.running);
	set_synchronized(host, rows, row);
	if (service)
		set_servers(&s, row, service);
	row_bool(row, SEVERAL, (s.no_procs ? s.n_enabled : s.n_running) > 1);
	if (s.unseen)
		set_unseen(&s, row);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* The first of the names that a unit file has: chrony is chronyd on Red Hat, ntp is ntpd. */
static const struct unit_file *find_unit(struct host *host, struct arena *a, struct str service)
{
	const char *name = str_dup(a, service);
	const char *const names[] = {arena_printf(a, "%s.service", name),
								 arena_printf(a, "%sd.service", name), NULL};
	struct unit_files files;
	const struct unit_file *unit;

	unitfiles_read(host, a, names, &files);
	unit = unitfiles_find(&files, str_of(names[0]));
	return unit ? unit : unitfiles_find(&files, str_of(names[1]));
}

/* The one that is installed is started, now and at boot. */
static int set_time_sync(struct host *host, const struct wish *wish, struct edits *edits,
						 struct err *err)
{
	const struct row *row = wish->row;
	const struct unit_file *unit;
	const char *name;

	if (!row || wish->column != ACTIVE || !wish->value.number)
		return err_set(err, ENOTSUP, "which servers are asked is decided by hand");
	if (row->cells[SERVICE].state != VALUE_SET || str_is(row->cells[SERVICE].string, "none"))
		return err_set(err, ENOTSUP, "install chrony or systemd-timesyncd first");
	unit = find_unit(host, edits->arena, row->cells[SERVICE].string);
	if (!unit || !unit->enabled)
		return err_set(err, ENOTSUP, "%.*s has no unit of systemd's", STR_ARG(row->cells[SERVICE].string));
	name = str_dup(edits->arena, unit->name);
	edit_state(edits, "unit", name, "enabled", str_of(unit->enabled), STR("enabled"));
	if (host_is_live(host))
		edit_state(edits, "unit", name, "active", STR("no"), STR("yes"));
	return 0;
}

static const struct table time_sync = {
	.name = "time_sync",
	.doc = "The service that sets the clock by others' clocks, from its configuration, the "
		   "processes that run, and adjtimex(2)",
	.columns = columns,
	.read = read_time_sync,
	.loaded =
		(const struct loaded_by[]){
			{.units = STARTED("chrony.service", "chronyd.service"),
			 .files = STARTED("/etc/chrony*")},
			{.units = STARTED("systemd-timesyncd.service"), .files = STARTED("/etc/systemd/*")},
			{0},
		},
	.set = set_time_sync,
	.fix = "start the service of {service}, now and at boot",
	.early = procs_early,
};
TABLE(time_sync);
