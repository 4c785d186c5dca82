/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apt_priority.h"

#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/apt_lists.h"
#include "host/apt_pins.h"

#define USUAL 500     /* of an archive that no pin mentions */
#define INSTALLED 100 /* of the version that is installed, unless a pin speaks of that */
#define DEFAULT_RELEASE 990
#define MAX_COMPARED 100000

/* Those that are about all packages. APT::Default-Release is one as well, before all others. */
static void read_pins(struct host *host, struct arena *a, struct apt_pins *pins)
{
	struct apt_pins files;
	struct apt_conf conf;
	const struct apt_item *item;

	*pins = (struct apt_pins){0};
	apt_conf_read(host, a, &conf);
	apt_pins_read(host, a, &files);
	item = apt_conf_last(&conf, "APT::Default-Release");
	if (item && item->value.n)
		*vec_push(a, pins) = (struct apt_pin){.kind = PIN_RELEASE,
											  .packages = STR("*"),
											  .what = item->value,
											  .priority = DEFAULT_RELEASE,
											  .file = item->file,
											  .line = item->line};
	for (size_t i = 0; i < files.n; i++)
		if (apt_pin_is_general(&files.p[i]))
			*vec_push(a, pins) = files.p[i];
	pins->gap = conf.gap ? conf.gap : files.gap;
}

/* The first pin that speaks of the archive counts. */
static void prioritise(struct apt_suite *suite, const struct apt_pins *pins,
					   const struct apt_archive *of, struct arena *a)
{
	for (size_t i = 0; i < pins->n; i++) {
		enum pin_match match = apt_pin_matches(&pins->p[i], of, a);

		if (match == PIN_YES)
			suite->priority = pins->p[i].priority;
		else if (match == PIN_NOT_KNOWN)
			suite->unknown = of->origin.p ? "a pin speaks of what its Release file does not tell"
										  : "its Release file is not in " APT_LISTS;
		if (match != PIN_NO)
			return;
	}
}

static void read_archive(struct host *host, struct arena *a, struct apt_suite *suite,
						 struct apt_archive *ret)
{
	struct err err = {0};
	int r;

	*ret = (struct apt_archive){.site = apt_site(suite->uri), .component = suite->component};
	r = apt_archive_read(host, suite->uri, suite->suite, a, ret, &err);
	if (r < 0 && r != -ENOENT)
		suite->unknown = arena_printf(a, "%s", err.msg);
}

/* --- what the security suite is up against ------------------------------------------------------- */

struct rank {
	int64_t highest;
	const char *unknown; /* why it is not known; NULL: it is */
};

static int64_t priority_of(const struct apt_suite *suite)
{
	return suite->priority ? suite->priority : USUAL;
}

/* What is installed counts as an archive by the name of "now", of which a star speaks, too. */
static int64_t rank_of_installed(const struct apt_pins *pins, struct arena *a)
{
	const struct apt_archive now = {.archive = STR("now"),
									.codename = STR(""),
									.origin = STR(""),
									.label = STR(""),
									.version = STR(""),
									.component = STR("")};

	for (size_t i = 0; i < pins->n; i++)
		if (pins->p[i].kind == PIN_RELEASE && apt_pin_matches(&pins->p[i], &now, a) == PIN_YES)
			return pins->p[i].priority;
	return INSTALLED;
}

/* The release's own suite has older versions, where it has been fetched from the same publisher. */
static struct rank rank_of_older(const struct apt_suite *all, const struct apt_archive *archives,
								 size_t n, int64_t installed)
{
	struct rank rank = {.highest = MAX(installed, 0)};
	struct str origin = STR("");

	for (size_t i = 0; i < n; i++)
		if (all[i].security && archives[i].origin.p)
			origin = archives[i].origin;
	for (size_t i = 0; i < n; i++) {
		if (!all[i].in_use || !all[i].release || !str_eq(archives[i].origin, origin))
			continue;
		if (all[i].unknown)
			rank.unknown = all[i].unknown;
		rank.highest = MAX(rank.highest, priority_of(&all[i]));
	}
	return rank;
}

static void apply_pins(struct host *host, struct arena *a, const struct apt_pins *pins,
					   struct apt_suite *all, size_t n)
{
	struct apt_archive *archives = arena_new(a, struct apt_archive, n);
	struct rank older;

	for (size_t i = 0; i < n; i++) {
		read_archive(host, a, &all[i], &archives[i]);
		if (!all[i].unknown)
			prioritise(&all[i], pins, &archives[i], a);
	}
	older = rank_of_older(all, archives, n, rank_of_installed(pins, a));
	for (size_t i = 0; i < n; i++) {
		all[i].rank_unknown = all[i].unknown ? all[i].unknown : older.unknown;
		all[i].outranked = priority_of(&all[i]) < older.highest;
	}
}

void apt_prioritise(struct host *host, struct arena *a, struct apt_suite *all, size_t n)
{
	struct apt_pins pins;

	read_pins(host, a, &pins);
	if (n * pins.n > MAX_COMPARED)
		pins.gap = "too many sources and pins";
	if (pins.n && !pins.gap)
		apply_pins(host, a, &pins, all, n);
	for (size_t i = 0; i < n && pins.gap; i++)
		all[i].unknown = all[i].rank_unknown = pins.gap;
}
