/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unitfile.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"

/* systemd.unit(5), "Unit File Load Path", first one first. */
static const struct place {
	const char *path;
	enum { ADMIN, RUNTIME, VENDOR, GENERATED, TRANSIENT } kind;
} places[] = {
	{"/etc/systemd/system.control", ADMIN},
	{"/run/systemd/system.control", RUNTIME},
	{"/run/systemd/transient", TRANSIENT},
	{"/run/systemd/generator.early", GENERATED},
	{"/etc/systemd/system", ADMIN},
	{"/etc/systemd/system.attached", ADMIN},
	{"/run/systemd/system", RUNTIME},
	{"/run/systemd/system.attached", RUNTIME},
	{"/run/systemd/generator", GENERATED},
	{"/usr/local/lib/systemd/system", VENDOR},
	{"/usr/lib/systemd/system", VENDOR},
	{"/lib/systemd/system", VENDOR},
	{"/run/systemd/generator.late", GENERATED},
};

static const char *const suffixes[] = {
	".service", ".socket", ".timer", ".target", ".mount",  ".automount",
	".swap",    ".path",   ".slice", ".scope",  ".device",
};

/* Bits of where a unit is linked to: that is what "enabled" means. */
enum { LINKED_ADMIN = 1, LINKED_RUNTIME = 2, LINKED_VENDOR = 4 };

struct entry {
	struct unit_file file;
	const struct place *place;
	struct str target;             /* of a link; absent */
	unsigned links;                /* LINKED_*, under its own name */
	const struct enabling *others; /* links to it under other names */
	bool same_name;                /* a link to a file of the same name outside the load path */
};

/* A link that enables: an entry of a .wants directory, or an alias. It counts for the unit that it
 * names and for the one it points to. */
struct enabling {
	struct str name, target;
	unsigned bit;
	const struct enabling *next; /* of the same target */
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct unit_files *ret;
	const char *const *only;
	struct map entries; /* name -> struct entry */
	VEC(struct entry *) all;
	VEC(struct enabling) enabling;
	struct map dropin_dirs; /* name of a directory -> struct dropin_dir, the first of a list */
	struct map aliases;     /* name -> struct alias, the first of a list */
};

struct dropin_dir {
	const struct place *place;
	const char *path;
	struct dropin_dir *next; /* of the same name, in a later place */
	struct str *files; /* listed when first needed */
	size_t n;
	bool listed;
	const char *unlisted; /* why it could not be */
};

struct alias {
	struct str name;
	const struct alias *next;
};

static void gap(struct reader *r, const char *why)
{
	if (!r->ret->gap)
		r->ret->gap = arena_strdup(r->arena, why);
}

static const char *suffix_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (name.n > strlen(suffixes[i]) && str_ends(name, suffixes[i]))
			return suffixes[i];
	return NULL;
}

static struct str base_name(struct str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)} : path;
}

/* "getty@.service" for "getty@tty1.service"; absent for what is no instance. */
static struct str template_of(struct arena *a, struct str name)
{
	const char *at = name.n ? memchr(name.p, '@', name.n) : NULL, *suffix = suffix_of(name);
	size_t head;

	if (!at || !suffix)
		return STR_ABSENT;
	head = (size_t)(at - name.p) + 1;
	if (head + strlen(suffix) >= name.n)
		return STR_ABSENT;
	return str_of(arena_printf(a, "%.*s%s", (int)head, name.p, suffix));
}

/* --- what there is ------------------------------------------------------------------------- */

static struct entry *add_entry(struct reader *r, struct str name, const char *path,
							   const struct place *place)
{
	struct entry *e = map_get(&r->entries, name);

	if (e)
		return NULL; /* the earlier directory wins */
	e = arena_new(r->arena, struct entry, 1);
	e->file.name = name;
	e->file.path = path;
	e->place = place;
	map_put(&r->entries, name, e);
	*vec_push(r->arena, &r->all) = e;
	return e;
}

static struct str link_target(struct reader *r, const char *path)
{
	struct str target;
	struct err err = {0};
	int result = host_readlink(r->host, path, r->arena, &target, &err);

	if (result < 0 && result != -ENOENT)
		gap(r, err.msg);
	return result < 0 ? STR_ABSENT : target;
}

static bool is_link(struct reader *r, const struct path_entry *entry, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	if (entry->type != DT_UNKNOWN)
		return entry->type == DT_LNK;
	return host_stat(r->host, path, false, &st, &err) == 0 && S_ISLNK(st.mode);
}

static void add_file(struct reader *r, const struct path_entry *entry, const char *path,
					 const struct place *place)
{
	struct entry *e = add_entry(r, str_of(entry->name), path, place);

	if (e && is_link(r, entry, path))
		e->target = link_target(r, path);
}

static bool is_dropin_dir(struct str name)
{
	return str_ends(name, ".d");
}

static bool is_wants_dir(struct str name)
{
	return str_ends(name, ".wants") || str_ends(name, ".requires") || str_ends(name, ".upholds");
}

static unsigned bit_of(const struct place *place)
{
	switch (place->kind) {
	case ADMIN:
		return LINKED_ADMIN;
	case VENDOR:
		return LINKED_VENDOR;
	default:
		return LINKED_RUNTIME; /* everything in /run */
	}
}

static void list_wants(struct reader *r, const char *path, const struct place *place)
{
	struct host_dir dir = {0};
	struct err err = {0};
	int result = host_list(r->host, path, r->arena, &dir, &err);

	if (result < 0 || dir.more)
		gap(r, result < 0 ? err.msg : "too many entries in a .wants directory");
	for (size_t i = 0; i < dir.n; i++) {
		struct str name = str_of(dir.entries[i].name);
		struct enabling *e;

		if (!suffix_of(name))
			continue;
		e = vec_push(r->arena, &r->enabling);
		*e = (struct enabling){name, STR_ABSENT, bit_of(place), NULL};
		if (place->kind != VENDOR)
			e->target = base_name(link_target(r, arena_printf(r->arena, "%s/%s", path, name.p)));
	}
}

static void note_dropin_dir(struct reader *r, struct str name, const char *path,
							const struct place *place)
{
	struct dropin_dir *dir = arena_new(r->arena, struct dropin_dir, 1);
	struct dropin_dir *last = map_get(&r->dropin_dirs, name);

	*dir = (struct dropin_dir){.place = place, .path = path};
	while (last && last->next)
		last = last->next;
	if (last)
		last->next = dir;
	else
		map_put(&r->dropin_dirs, name, dir);
}

static void list_place(struct reader *r, const struct place *place)
{
	struct host_dir dir = {0};
	struct err err = {0};
	int result = host_list(r->host, place->path, r->arena, &dir, &err);

	if (result == -ENOENT)
		return;
	if (result < 0 || dir.more)
		gap(r, result < 0 ? err.msg : "too many unit files");
	for (size_t i = 0; i < dir.n; i++) {
		const char *entry = dir.entries[i].name;
		struct str name = {entry, strlen(entry)};
		char *path = arena_printf(r->arena, "%s/%s", place->path, entry);

		if (is_wants_dir(name)) {
			list_wants(r, path, place);
		} else if (is_dropin_dir(name)) {
			note_dropin_dir(r, name, path, place);
		} else if (suffix_of(name)) {
			add_file(r, &dir.entries[i], path, place);
		}
	}
}

/* Instances that only exist through a link: getty.target.wants/getty@tty1.service. */
static void add_instances(struct reader *r)
{
	for (size_t i = 0; i < r->enabling.n; i++) {
		struct str name = r->enabling.p[i].name, template = template_of(r->arena, name);
		const struct entry *of = template.p ? map_get(&r->entries, template) : NULL;

		if (of)
			add_entry(r, name, of->file.path, of->place);
	}
}

/* What systemd-sysv-generator would make of the scripts in /etc/init.d. On a running systemd they
 * were found in generator.late. */
static void add_init_scripts(struct reader *r)
{
	struct host_dir dir = {0};
	struct path_stat st;
	struct err err = {0};

	if (host_stat(r->host, "/usr/lib/systemd/systemd", true, &st, &err) < 0 &&
		host_stat(r->host, "/lib/systemd/systemd", true, &st, &err) < 0)
		return;
	if (host_list(r->host, "/etc/init.d", r->arena, &dir, &err) < 0 && err.errnum != ENOENT)
		gap(r, err.msg);
	for (size_t i = 0; i < dir.n; i++) {
		struct str name = str_of(dir.entries[i].name);
		char *path = arena_printf(r->arena, "/etc/init.d/%s", name.p);
		struct entry *e;

		if (host_stat(r->host, path, true, &st, &err) < 0 || !S_ISREG(st.mode) ||
			!(st.mode & S_IXUSR))
			continue;
		name.n -= str_ends(name, ".sh") ? 3 : 0;
		e = add_entry(r, str_of(arena_printf(r->arena, "%.*s.service", STR_ARG(name))), path,
					  &places[ARRAY_LEN(places) - 1]);
		if (e)
			e->file.sysv = true;
	}
}

/* --- links: masks, aliases, enablement ------------------------------------------------------ */

static bool in_load_path(struct str target)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct str rest = target;

		if (str_skip(&rest, places[i].path) && str_starts(rest, "/") &&
			base_name(rest).n + 1 == rest.n)
			return true;
	}
	return target.n && !str_has_char(target, '/'); /* relative, in the same directory */
}

static void note_alias(struct reader *r, struct entry *e, struct str of)
{
	struct alias *alias = arena_new(r->arena, struct alias, 1);

	e->file.alias_of = of;
	alias->name = e->file.name;
	alias->next = map_put(&r->aliases, of, alias);
	*vec_push(r->arena, &r->enabling) = (struct enabling){e->file.name, of, bit_of(e->place), NULL};
}

static void resolve_link(struct reader *r, struct entry *e)
{
	struct str base = base_name(e->target);
	struct str template = template_of(r->arena, e->file.name);

	if (str_is(e->target, "/dev/null")) {
		e->file.masked = true;
		return;
	}
	if (str_eq(base, e->file.name)) {
		e->same_name = !in_load_path(e->target);
		return;
	}
	if (template.p && str_eq(template, base)) /* an instance: its content is the template's */
		*vec_push(r->arena, &r->enabling) =
			(struct enabling){e->file.name, base, bit_of(e->place), NULL};
	else if (suffix_of(base))
		note_alias(r, e, base);
}

static void mark_enabled(struct reader *r)
{
	for (size_t i = 0; i < r->enabling.n; i++) {
		struct enabling *e = &r->enabling.p[i];
		struct entry *named = map_get(&r->entries, e->name), *target;

		/* An alias does not enable itself, only what it stands for. */
		if (named && !named->file.alias_of.p)
			named->links |= e->bit;
		if (e->bit == LINKED_VENDOR || !e->target.n || str_eq(e->target, e->name))
			continue;
		target = map_get(&r->entries, e->target);
		if (target) {
			e->next = target->others;
			target->others = e;
		}
	}
}

/* Is the name one under which [Install] would link the unit: an Alias=, or a template's
 * DefaultInstance=? */
static bool is_installed_as(const struct unit_file *u, struct str name)
{
	for (size_t i = 0; i < u->conf.n; i++) {
		const struct conf_item *item = &u->conf.items[i];
		struct str words = item->value, word, rest = name;

		if (!str_is(item->section, "Install"))
			continue;
		while (str_is(item->key, "Alias") && str_word(&words, &word))
			if (str_eq(word, name))
				return true;
		if (str_is(item->key, "DefaultInstance") && str_cut(&rest, '@', &word) &&
			rest.n > item->value.n && memcmp(rest.p, item->value.p, item->value.n) == 0 &&
			suffix_of(rest) && rest.n == item->value.n + strlen(suffix_of(rest)))
			return true;
	}
	return false;
}

/* Links under other names: those that enabling makes count as its own, any other makes the unit
 * "indirect". */
static bool add_other_links(struct entry *e)
{
	bool indirect = false;

	for (const struct enabling *other = e->others; other; other = other->next) {
		if (is_installed_as(&e->file, other->name))
			e->links |= other->bit;
		else
			indirect = true;
	}
	return indirect;
}

static bool has_install(const struct unit_file *u, const char *const *keys)
{
	for (size_t i = 0; i < u->conf.n; i++)
		for (const char *const *key = keys; *key; key++)
			if (str_is(u->conf.items[i].section, "Install") && str_is(u->conf.items[i].key, *key) &&
				u->conf.items[i].value.n)
				return true;
	return false;
}

/* The order of systemd's unit_file_lookup_state(). */
static const char *enabled_state(struct entry *e)
{
	static const char *const rules[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias", NULL};
	static const char *const also[] = {"Also", NULL};
	bool instance = str_has_char(e->file.name, '@') && !str_has(e->file.name, "@.");
	bool indirect = add_other_links(e);

	if (e->file.masked)
		return e->place->kind == RUNTIME ? "masked-runtime" : "masked";
	if (e->file.alias_of.p)
		return "alias";
	if (e->place->kind == GENERATED)
		return "generated";
	if (e->place->kind == TRANSIENT)
		return "transient";
	if (e->links & LINKED_ADMIN)
		return "enabled";
	if (e->links & LINKED_RUNTIME)
		return "enabled-runtime";
	if (e->links & LINKED_VENDOR && instance)
		return "static";
	if (e->same_name)
		return e->place->kind == RUNTIME ? "linked-runtime" : "linked";
	if (indirect)
		return "indirect";
	if (e->file.unread)
		return NULL;
	if (has_install(&e->file, rules))
		return "disabled";
	return has_install(&e->file, also) ? "indirect" : "static";
}

/* --- content --------------------------------------------------------------------------------- */

/* An empty file masks, as a link to /dev/null does. */
static bool is_empty_file(struct reader *r, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(r->host, path, true, &st, &err) == 0 && st.size == 0;
}

static void note_gap(struct unit_file *u, const char *why)
{
	if (!u->gap)
		u->gap = why;
}

static int read_conf(struct reader *r, const char *path, struct unit_file *u)
{
	struct err err = {0};
	int result = conf_read(r->host, r->arena, path, CONF_INI, &u->conf, &err);

	if (result == -EINVAL && host_is_masked(r->host, path, r->arena))
		return 0;
	if (result < 0 && result != -ENOENT) {
		u->unread = u->unread ? u->unread : arena_strdup(r->arena, err.msg);
		note_gap(u, u->unread);
	}
	return result;
}

/* The drop-ins of one unit. */
struct dropins {
	struct unit_file *unit;
	struct map seen;
	VEC(struct dropin_dir *) dirs; /* of the names at hand */
	VEC(struct str) files;
};

static void add_dropin_dir(struct reader *r, struct dropins *d, struct dropin_dir *dir)
{
	struct err err = {0};

	if (!dir->listed &&
		host_list_files(r->host, dir->path, ".conf", r->arena, &dir->files, &dir->n, &err) < 0)
		dir->unlisted = arena_strdup(r->arena, err.msg);
	dir->listed = true;
	if (dir->unlisted)
		note_gap(d->unit, dir->unlisted);
	for (size_t i = 0; i < dir->n; i++)
		if (!map_put(&d->seen, base_name(dir->files[i]), r))
			*vec_push(r->arena, &d->files) = dir->files[i];
}

static void want_dir(struct reader *r, struct dropins *d, const char *name)
{
	struct dropin_dir *dir = map_get(&r->dropin_dirs, str_of(name));

	if (dir)
		*vec_push(r->arena, &d->dirs) = dir;
}

/* NAME.d and, for a-b-c.service, a-b-.service.d and a-.service.d. */
static void want_dirs_of(struct reader *r, struct dropins *d, struct str name)
{
	const char *suffix = suffix_of(name);
	size_t n = suffix ? name.n - strlen(suffix) : 0;
	char *dir = arena_printf(r->arena, "%.*s.d", STR_ARG(name));

	if (!suffix)
		return;
	want_dir(r, d, dir);
	if (str_has_char(name, '@'))
		n = (size_t)((const char *)memchr(name.p, '@', name.n) - name.p);
	while (n-- > 1) {
		if (name.p[n] != '-' || n + 1 == name.n - strlen(suffix))
			continue;
		/* Cuts the longer name short in place: what is left of the dash, and the suffix. */
		snprintf(dir + n + 1, name.n - n + 2, "%s.d", suffix);
		want_dir(r, d, dir);
	}
}

/* Of directories that are wanted, an earlier place's come first. */
static void add_wanted_dirs(struct reader *r, struct dropins *d)
{
	for (size_t i = 0; d->dirs.n && i < ARRAY_LEN(places); i++)
		for (size_t k = 0; k < d->dirs.n; k++)
			for (struct dropin_dir *dir = d->dirs.p[k]; dir; dir = dir->next)
				if (dir->place == &places[i])
					add_dropin_dir(r, d, dir);
	d->dirs.n = 0;
}

static void add_dropins_of_name(struct reader *r, struct dropins *d, struct str name)
{
	struct str template = template_of(r->arena, name);

	want_dirs_of(r, d, name);
	if (template.p)
		want_dirs_of(r, d, template);
	add_wanted_dirs(r, d);
}

static int by_base_name(const void *a, const void *b)
{
	return str_cmp(base_name(*(const struct str *)a), base_name(*(const struct str *)b));
}

static void read_dropins(struct reader *r, struct unit_file *u)
{
	struct dropins d = {.unit = u};

	if (!r->dropin_dirs.n)
		return;
	map_init(&d.seen, r->arena);
	add_dropins_of_name(r, &d, u->name);
	for (const struct alias *a = map_get(&r->aliases, u->name); a; a = a->next)
		add_dropins_of_name(r, &d, a->name);
	want_dir(r, &d, arena_printf(r->arena, "%s.d", suffix_of(u->name) + 1));
	add_wanted_dirs(r, &d);
	if (d.files.n)
		qsort(d.files.p, d.files.n, sizeof(*d.files.p), by_base_name);
	for (size_t i = 0; i < d.files.n; i++)
		read_conf(r, d.files.p[i].p, u);
	u->dropins = d.files.p;
	u->n_dropins = d.files.n;
}

static bool is_asked(const char *const *only, struct str name)
{
	if (!only)
		return true;
	for (; *only; only++)
		if (str_is(name, *only))
			return true;
	return false;
}

static void read_content(struct reader *r, struct entry *e)
{
	struct unit_file *u = &e->file;

	if (u->masked || u->sysv || u->alias_of.p || !is_asked(r->only, u->name))
		return;
	if (read_conf(r, u->path, u) == 0 && !u->conf.n)
		u->masked = is_empty_file(r, u->path);
	if (!u->masked)
		read_dropins(r, u);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct unit_file *)a)->name, ((const struct unit_file *)b)->name);
}

static void finish(struct reader *r)
{
	struct unit_files *ret = r->ret;
	struct unit_file *all = arena_new(r->arena, struct unit_file, r->all.n + 1);

	ret->unlisted = ret->gap;
	for (size_t i = 0; i < r->all.n; i++) {
		struct entry *e = r->all.p[i];

		read_content(r, e);
		e->file.enabled = enabled_state(e);
		all[i] = e->file;
	}
	qsort(all, r->all.n, sizeof(*all), by_name);
	map_init(&ret->by_name, r->arena);
	for (size_t i = 0; i < r->all.n; i++)
		map_put(&ret->by_name, all[i].name, &all[i]);
	ret->p = all;
	ret->n = r->all.n;
}

static void read_files(struct host *host, struct arena *a, const char *const *only,
					   struct unit_files *ret)
{
	struct reader r = {.host = host, .arena = a, .ret = ret, .only = only};

	*ret = (struct unit_files){0};
	map_init(&r.entries, a);
	map_init(&r.dropin_dirs, a);
	map_init(&r.aliases, a);
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		list_place(&r, &places[i]);
	add_instances(&r);
	add_init_scripts(&r);
	for (size_t i = 0; i < r.all.n; i++)
		if (r.all.p[i]->target.n)
			resolve_link(&r, r.all.p[i]);
	mark_enabled(&r);
	finish(&r);
}

static const void *read_all_files(struct host *host, struct arena *a)
{
	struct unit_files *all = arena_new(a, struct unit_files, 1);

	read_files(host, a, NULL, all);
	return all;
}

static const struct shared all_files = {"unit-files", read_all_files};

void unitfiles_read(struct host *host, struct arena *a, const char *const *only,
					struct unit_files *ret)
{
	const struct unit_files *shared = host_shared(host, &all_files, !only);

	if (shared)
		*ret = *shared;
	else
		read_files(host, a, only, ret);
	ret->gap = ret->unlisted;
	for (size_t i = 0; i < ret->n && !ret->gap; i++)
		if (is_asked(only, ret->p[i].name))
			ret->gap = ret->p[i].gap;
}

/* --- questions ------------------------------------------------------------------------------- */

const struct unit_file *unitfiles_named(const struct unit_files *units, struct str name)
{
	return map_get(&units->by_name, name);
}

const struct unit_file *unitfiles_find(const struct unit_files *units, struct str name)
{
	const struct unit_file *u = unitfiles_named(units, name);

	/* An alias of an alias is not valid, but a tree may hold a circle of them. */
	for (int i = 0; u && u->alias_of.p && i < 8; i++)
		u = map_get(&units->by_name, u->alias_of);
	return u;
}

bool unitfile_starts(const struct unit_file *u)
{
	struct str state = str_of(u ? u->enabled : NULL);

	return str_is(state, "enabled") || str_is(state, "enabled-runtime") ||
		   str_is(state, "generated");
}
