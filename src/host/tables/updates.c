/* SPDX-License-Identifier: Apache-2.0 */
/* How up to date the host can know itself to be, and whether it keeps itself so. */
#include "host/table.h"

#include "base/num.h"
#include "base/regex.h"
#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/apt_lists.h"
#include "host/conf.h"
#include "host/dpkg.h"
#include "host/fields.h"
#include "host/package_edit.h"
#include "host/unitfile.h"

enum { MANAGER, LISTS_UPDATED, LISTS_AGE_DAYS, PENDING, SECURITY_PENDING, AUTOMATIC };

static const struct column columns[] = {
	[MANAGER] = {"manager", TYPE_STRING, "apt, dnf, zypper, pacman or apk", COLUMN_LABEL},
	[LISTS_UPDATED] =
		{"lists_updated", TYPE_TIME,
		 "When the package lists were fetched; for apt the newest of them or of apt's "
		 "stamps, which is never later than the truth",
		 0},
	[LISTS_AGE_DAYS] = {"lists_age_days", TYPE_INT, "Whole days since then", 0},
	[PENDING] = {"pending", TYPE_INT, "Packages with a newer version in the lists", 0},
	[SECURITY_PENDING] = {"security_pending", TYPE_INT, "Those in a security archive", 0},
	[AUTOMATIC] =
		{"automatic", TYPE_BOOL,
		 "Security updates install themselves: the program is there, switched on at least once a "
		 "week, and a timer starts it",
		 COLUMN_SETTABLE},
	{0},
};

#define MAX_DAYS 7 /* between two runs, for them to be called automatic */

static bool exists(struct host *host, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(host, path, true, &st, &err) == 0;
}

/* The mtime of the newest of a directory's files whose name ends so; 0 when there is none. */
static int64_t newest(struct host *host, struct rows *rows, const char *dir, const char *suffix)
{
	struct path_stat st;
	struct err err = {0};
	struct str *files;
	int64_t t = 0;
	size_t n;

	if (host_list_files(host, dir, suffix, rows->arena, &files, &n, &err) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (host_stat(host, files[i].p, true, &st, &err) == 0)
			t = MAX(t, st.mtime);
	return t;
}

static int64_t mtime_of(struct host *host, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(host, path, true, &st, &err) == 0 ? st.mtime : 0;
}

static void set_lists(struct host *host, struct row *row, int64_t t, const char *path)
{
	if (!t) {
		row_unknown(row, LISTS_UPDATED, "no package lists found");
		row_unknown(row, LISTS_AGE_DAYS, "no package lists found");
	} else {
		row_int(row, LISTS_UPDATED, t);
		row_int(row, LISTS_AGE_DAYS, MAX(host_now(host) - t, 0) / 86400);
	}
	row_from(row, LISTS_UPDATED, FROM(path, 0));
	row_from(row, LISTS_AGE_DAYS, FROM(path, 0));
}

/* --- apt ------------------------------------------------------------------------------------- */

/* apt gives the lists the time at which the server made them, so an archive that is quiet looks
 * old; apt's daily job leaves stamps when it succeeded. */
static void set_apt_lists(struct host *host, struct rows *rows, struct row *row)
{
	int64_t t = newest(host, rows, APT_LISTS, "Release");

	if (t) {
		t = MAX(t, mtime_of(host, "/var/lib/apt/periodic/update-stamp"));
		t = MAX(t, mtime_of(host, "/var/lib/apt/periodic/update-success-stamp"));
	}
	set_lists(host, row, t, APT_LISTS);
}

static void set_pending(struct row *row, struct str text, struct arena *a)
{
	int64_t pending = 0, security = 0;
	const char *gap = NULL, *no_security = NULL;
	struct str line, name, value;

	while (str_line(&text, &line)) {
		if (str_skip(&line, "gap=")) {
			gap = gap ? gap : str_dup(a, fields_plain(a, line));
			continue;
		}
		if (str_is(line, APT_NO_SECURITY)) {
			no_security = APT_LISTS " holds no list of a security archive";
			continue;
		}
		pending++;
		while (fields_next(&line, &name, &value))
			security += str_is(name, "security");
	}
	if (gap) {
		row_unknown(row, PENDING, gap);
		row_unknown(row, SECURITY_PENDING, gap);
	} else {
		row_int(row, PENDING, pending);
		row_int(row, SECURITY_PENDING, security);
		if (no_security)
			row_unknown(row, SECURITY_PENDING, no_security);
	}
	row_from(row, PENDING, FROM(APT_LISTS, 0));
	row_from(row, SECURITY_PENDING, FROM(APT_LISTS, 0));
}

static void set_apt_pending(struct host *host, struct rows *rows, struct row *row)
{
	struct err err = {0};
	struct str text;

	if (host_query(host, &apt_upgrades_query, rows->arena, &text, &err) == 0) {
		set_pending(row, text, rows->arena);
		return;
	}
	row_unknown(row, PENDING, arena_strdup(rows->arena, err.msg));
	row_unknown(row, SECURITY_PENDING, arena_strdup(rows->arena, err.msg));
}

/* APT::Periodic intervals: "always", or a number of days, or one with a unit; 0 is never. */
static bool is_interval(const struct apt_item *item)
{
	int64_t seconds;
	uint64_t days;

	if (!item)
		return false;
	if (str_is(item->value, "always") || num_u64(item->value, 1, MAX_DAYS, &days) == 0)
		return true;
	return num_u64(item->value, 0, UINT64_MAX, &days) < 0 &&
		   num_duration(item->value, &seconds) == 0 && seconds > 0 && seconds <= MAX_DAYS * 86400L;
}

static bool has_nocase(struct str s, const char *word)
{
	for (struct str rest = s; rest.n >= strlen(word); rest.p++, rest.n--)
		if (str_is_nocase((struct str){rest.p, strlen(word)}, word))
			return true;
	return false;
}

/* Does a pattern of the list take security updates? Their archives say so in their name or label;
 * Raspbian has none of its own, and a wildcard takes whatever there is. */
static bool takes_security(const struct apt_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct apt_item *item = &conf->p[i];

		if (!item->cleared && str_is_nocase(item->name, name) &&
			(has_nocase(item->value, "security") || has_nocase(item->value, "raspb") ||
			 str_has_char(item->value, '*')))
			return true;
	}
	return false;
}

#define MAX_PATTERNS 256

/* The patterns of a list, of unattended-upgrades. */
struct patterns {
	VEC(struct regex *) compiled;
	bool bad; /* it ends at one that is none, and upgrades nothing */
};

/* They fit from the start of the name. */
static struct patterns read_patterns(struct arena *a, const struct apt_conf *conf, const char *list)
{
	struct patterns patterns = {0};
	struct err err = {0};

	for (size_t i = 0; i < conf->n && patterns.compiled.n < MAX_PATTERNS; i++) {
		struct str text;

		if (conf->p[i].cleared || !str_is_nocase(conf->p[i].name, list))
			continue;
		text = str_of(arena_printf(a, "^(?:%.*s)", STR_ARG(conf->p[i].value)));
		if (regex_compile(a, text, vec_push(a, &patterns.compiled), &err) < 0) {
			patterns.compiled.n--;
			patterns.bad = true;
		}
	}
	return patterns;
}

static bool fits_any(const struct patterns *patterns, struct str name)
{
	vec_each(&patterns->compiled, p) if (regex_match(*p, name) != 0) return true;
	return false;
}

/* Is a third of the packages left alone? Then it is no longer a few that somebody upgrades by hand. */
static bool leaves_alone(struct arena *a, const struct apt_conf *conf, const struct dpkg_db *db)
{
	struct patterns not = read_patterns(a, conf, "Unattended-Upgrade::Package-Blacklist::");
	struct patterns only = read_patterns(a, conf, "Unattended-Upgrade::Package-Whitelist::");
	size_t left = 0;

	for (size_t i = 0; i < db->n; i++)
		left +=
			fits_any(&not, db->p[i].name) || (only.compiled.n && !fits_any(&only, db->p[i].name));
	return not .bad || only.bad || left * 3 > db->n;
}

static bool takes_security_at_all(const struct apt_conf *conf)
{
	return takes_security(conf, "Unattended-Upgrade::Origins-Pattern::") ||
		   takes_security(conf, "Unattended-Upgrade::Allowed-Origins::");
}

/* What /usr/lib/apt/apt.systemd.daily looks at, and that there is a security archive to take from. */
static bool is_configured(struct arena *a, const struct apt_conf *conf, const struct dpkg_db *db)
{
	return apt_conf_bool(conf, "APT::Periodic::Enable", true) &&
		   is_interval(apt_conf_last(conf, "APT::Periodic::Update-Package-Lists")) &&
		   is_interval(apt_conf_last(conf, "APT::Periodic::Unattended-Upgrade")) &&
		   !leaves_alone(a, conf, db) && takes_security_at_all(conf);
}

/* What set when it elapses was taken back, and nothing else says when. */
static bool never_elapses(struct arena *a, const struct unit_file *timer)
{
	static const char *const keys[] = {"OnActiveSec",		"OnBootSec",  "OnStartupSec", "OnUnitActiveSec",
									   "OnUnitInactiveSec", "OnCalendar", "OnClockChange",
									   "OnTimezoneChange"};
	bool reset = false;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct unit_values values = unitfile_values(timer, a, "Timer", keys[i]);

		if (values.n)
			return false;
		reset |= values.reset;
	}
	return reset;
}

/* Does the service, where there is one, run neither what apt brings nor the program itself? */
static bool does_another_thing(struct arena *a, const struct unit_file *service, const char *program)
{
	struct str runs;

	if (!service || service->unread)
		return false;
	runs = unitfile_exec_start(service, a);
	return service->masked || !(str_has(runs, "apt.systemd.daily") || str_has(runs, program));
}

/* Timers, and what they start; without systemd the same job is cron's. */
static bool is_started(struct host *host, struct rows *rows, const struct dpkg_db *db)
{
	static const struct {
		const char *timer, *service, *program;
	} jobs[] = {
		{"apt-daily.timer", "apt-daily.service", "/apt-get "},
		{"apt-daily-upgrade.timer", "apt-daily-upgrade.service", "/unattended-upgrade"},
	};
	static const char *const only[] = {"apt-daily.timer", "apt-daily.service",
									   "apt-daily-upgrade.timer", "apt-daily-upgrade.service", NULL};
	struct unit_files files;

	if (host_is_live(host) && !exists(host, "/run/systemd/system"))
		return dpkg_installed(db, "cron") && exists(host, "/etc/cron.daily/apt-compat");
	unitfiles_read(host, rows->arena, only, &files);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		const struct unit_file *timer = unitfiles_find(&files, str_of(jobs[i].timer));
		const struct unit_file *service = unitfiles_find(&files, str_of(jobs[i].service));

		if (!unitfile_starts(timer) || never_elapses(rows->arena, timer) ||
			does_another_thing(rows->arena, service, jobs[i].program))
			return false;
	}
	return true;
}

static void set_apt_automatic(struct host *host, struct rows *rows, struct row *row)
{
	const struct apt_item *item;
	struct apt_conf conf;
	struct dpkg_db db;
	struct err err = {0};

	apt_conf_read(host, rows->arena, &conf);
	item = apt_conf_last(&conf, "APT::Periodic::Unattended-Upgrade");
	if (dpkg_read(host, rows->arena, &db, &err) < 0)
		row_unknown(row, AUTOMATIC, arena_strdup(rows->arena, err.msg));
	else if (!dpkg_installed(&db, "unattended-upgrades"))
		row_bool(row, AUTOMATIC, false);
	else if (conf.gap)
		row_unknown(row, AUTOMATIC, conf.gap);
	else
		row_bool(row, AUTOMATIC,
				 is_configured(rows->arena, &conf, &db) && is_started(host, rows, &db));
	if (item)
		row_from(row, AUTOMATIC, FROM(item->file, item->line));
}

static void read_apt(struct host *host, struct rows *rows, struct row *row)
{
	set_apt_lists(host, rows, row);
	set_apt_pending(host, rows, row);
	set_apt_automatic(host, rows, row);
}

/* --- the others ------------------------------------------------------------------------------ */

static void set_unread(struct rows *rows, struct row *row, const char *manager)
{
	const char *why = arena_printf(rows->arena, "the package lists of %s are not read", manager);

	row_unknown(row, PENDING, why);
	row_unknown(row, SECURITY_PENDING, why);
}

#define DNF_AUTOMATIC "/etc/dnf/automatic.conf"

/* dnf-automatic-install.timer installs whatever the configuration says; the others ask it. */
static void set_dnf_automatic(struct host *host, struct rows *rows, struct row *row)
{
	static const char *const timers[] = {"dnf-automatic.timer", "dnf5-automatic.timer",
										 "dnf-automatic-install.timer", NULL};
	struct conf conf = {0};
	const struct conf_item *apply;
	struct unit_files files;
	struct err err = {0};
	bool started = false;
	int r = conf_read(host, rows->arena, DNF_AUTOMATIC, CONF_INI, &conf, &err);

	if (r < 0 && r != -ENOENT) {
		row_unknown(row, AUTOMATIC, arena_strdup(rows->arena, err.msg));
		return;
	}
	unitfiles_read(host, rows->arena, timers, &files);
	apply = conf_last(&conf, "commands", "apply_updates");
	for (size_t i = 0; i < 2; i++)
		started = started || unitfile_starts(unitfiles_find(&files, str_of(timers[i])));
	row_bool(row, AUTOMATIC,
			 unitfile_starts(unitfiles_find(&files, str_of(timers[2]))) ||
				 (started && apply && unitfile_true(apply->value)));
	if (apply)
		row_from(row, AUTOMATIC, FROM(apply->file, apply->line));
}

static void read_dnf(struct host *host, struct rows *rows, struct row *row)
{
	set_lists(host, row, mtime_of(host, "/var/cache/dnf/last_makecache"), "/var/cache/dnf");
	set_unread(rows, row, "dnf");
	set_dnf_automatic(host, rows, row);
}

static void read_zypper(struct host *host _unused_, struct rows *rows, struct row *row)
{
	row_unknown(row, LISTS_UPDATED, "not known for zypper");
	row_unknown(row, LISTS_AGE_DAYS, "not known for zypper");
	set_unread(rows, row, "zypper");
	row_unknown(row, AUTOMATIC, "not known for zypper");
}

static void read_pacman(struct host *host, struct rows *rows, struct row *row)
{
	set_lists(host, row, newest(host, rows, "/var/lib/pacman/sync", ".db"), "/var/lib/pacman/sync");
	set_unread(rows, row, "pacman");
	row_unknown(row, AUTOMATIC, "not known for pacman");
}

static void read_apk(struct host *host, struct rows *rows, struct row *row)
{
	set_lists(host, row, newest(host, rows, "/var/cache/apk", ".tar.gz"), "/var/cache/apk");
	set_unread(rows, row, "apk");
	row_unknown(row, AUTOMATIC, "not known for apk");
}

/* Tools of other distributions are installed here and there, so the database must be there, too. */
static const struct {
	const char *name, *database, *also;
	void (*read)(struct host *, struct rows *, struct row *);
} managers[] = {
	{"apt", "/var/lib/dpkg/status", "/etc/apt", read_apt},
	{"dnf", "/var/lib/rpm", "/etc/dnf", read_dnf},
	{"zypper", "/usr/lib/sysimage/rpm", "/etc/zypp", read_zypper},
	{"pacman", "/var/lib/pacman/local", "/var/lib/pacman/local", read_pacman},
	{"apk", "/lib/apk/db/installed", "/lib/apk/db/installed", read_apk},
	{"apk", "/usr/lib/apk/db/installed", "/usr/lib/apk/db/installed", read_apk},
};

static int read_updates(struct host *host, struct rows *rows, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(managers); i++) {
		struct row *row;

		if (!exists(host, managers[i].database) || !exists(host, managers[i].also))
			continue;
		row = rows_add(rows, FROM(managers[i].also, 0));
		row_strz(row, MANAGER, managers[i].name);
		managers[i].read(host, rows, row);
		return 0;
	}
	return err_set(err, ENOENT, "no package manager found");
}

/* --- changing -------------------------------------------------------------------------------- */

static int set_updates(struct host *host, const struct wish *wish, struct edits *edits,
					   struct err *err)
{
	static const char *const keys[] = {"APT::Periodic::Update-Package-Lists",
									   "APT::Periodic::Unattended-Upgrade"};
	static const struct str program = {"unattended-upgrades", sizeof("unattended-upgrades") - 1};
	struct rows scratch = {.arena = edits->arena};
	struct apt_conf conf;
	struct dpkg_db db = {0};
	bool comes = false;
	int r = dpkg_read(host, edits->arena, &db, err);

	if (wish->column != AUTOMATIC || !wish->value.number || r == -ENOENT)
		return err_set(err, ENOTSUP,
					   "updates are installed by hand; of dnf: install dnf-automatic, set "
					   "apply_updates = yes and enable its timer");
	if (r < 0)
		return r;
	if (!is_started(host, &scratch, &db))
		return err_set(err, ENOTSUP,
					   "apt-daily.timer or apt-daily-upgrade.timer does not start, or starts "
					   "another thing: see systemctl enable, unmask and cat");
	if (!dpkg_installed(&db, "unattended-upgrades")) {
		r = package_install(host, &program, 1, edits, err);
		comes = !exists(host, "/etc/apt/apt.conf.d/50unattended-upgrades");
	}
	if (r < 0)
		return r;
	apt_conf_read(host, edits->arena, &conf);
	/* The configuration that comes with it takes security updates. */
	if (leaves_alone(edits->arena, &conf, &db) || (!comes && !takes_security_at_all(&conf)))
		return err_set(err, ENOTSUP,
					   "unattended-upgrades takes nothing from a security archive: see "
					   "50unattended-upgrades");
	if (!apt_conf_bool(&conf, "APT::Periodic::Enable", true))
		r = apt_conf_set(&conf, STR("APT::Periodic::Enable"), STR("1"), edits, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
		if (!is_interval(apt_conf_last(&conf, keys[i])))
			r = apt_conf_set(&conf, str_of(keys[i]), STR("1"), edits, err);
	return r;
}

static const struct table updates = {
	.name = "updates",
	.doc = "Age of the package lists, what is pending, and whether updates install themselves",
	.columns = columns,
	.read = read_updates,
	.set = set_updates,
	.fix = "install unattended-upgrades and switch it on in /etc/apt/apt.conf.d",
	.cost = 80,
};
TABLE(updates);
