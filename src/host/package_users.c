/* SPDX-License-Identifier: Apache-2.0 */
#include "host/package_users.h"

#include "base/buf.h"
#include "base/map.h"
#include "host/pacman.h"
#include "host/rpmdb.h"

/* A search in two passes over the packages: what the one provides, then who asks for that. */
struct search {
	struct arena arena;
	const char *name;
	struct map provided;
	size_t found; /* packages of the name */
	struct str user;
};

static void provide(struct search *s, struct str what)
{
	map_put(&s->provided, (struct str){str_dup(&s->arena, what), what.n}, s);
}

static void ask(struct search *s, struct str user, struct str what)
{
	if (!s->user.p && map_get(&s->provided, what))
		s->user = (struct str){str_dup(&s->arena, user), user.n};
}

/* --- rpm ------------------------------------------------------------------------------------- */

static int provide_file(struct str path, void *data)
{
	provide(data, path);
	return 0;
}

static int rpm_provides(const struct rpm_header *h, void *data)
{
	struct search *s = data;
	struct str names, name;
	uint32_t n;

	if (!str_is(rpm_string(h, RPM_NAME), s->name))
		return 0;
	s->found++;
	provide(s, str_of(s->name));
	n = rpm_strings(h, RPM_PROVIDE_NAME, &names);
	for (uint32_t i = 0; i < n && str_cut(&names, '\0', &name); i++)
		provide(s, name);
	return rpm_each_file(h, provide_file, s);
}

/* "(a if b)" asks for words; which of them is left to rpm. */
static void ask_rich(struct search *s, struct str user, struct str what)
{
	struct str word;

	while (str_word(&what, &word)) {
		while (word.n && word.p[0] == '(')
			word = (struct str){word.p + 1, word.n - 1};
		while (word.n && word.p[word.n - 1] == ')')
			word.n--;
		ask(s, user, word);
	}
}

static int rpm_requires(const struct rpm_header *h, void *data)
{
	struct search *s = data;
	struct str user = rpm_string(h, RPM_NAME), names, name;
	uint32_t n = rpm_strings(h, RPM_REQUIRE_NAME, &names);

	if (str_is(user, s->name))
		return 0;
	for (uint32_t i = 0; i < n && str_cut(&names, '\0', &name); i++) {
		ask(s, user, name);
		if (str_starts(name, "("))
			ask_rich(s, user, name);
	}
	return 0;
}

static int search_rpm(struct host *host, struct search *s, struct err *err)
{
	int r = rpmdb_each(host_root_fd(host), rpm_provides, s, err);

	return r == 0 ? rpmdb_each(host_root_fd(host), rpm_requires, s, err) : r;
}

/* --- pacman ---------------------------------------------------------------------------------- */

/* "name>=1.0", "name: why" */
static struct str bare(struct str relation)
{
	for (size_t i = 0; i < relation.n; i++)
		if (strchr("<>=:", relation.p[i]))
			relation.n = i;
	return relation;
}

static int pacman_provides(const char *dir _unused_, struct str desc, void *data)
{
	struct search *s = data;
	struct str section = STR_ABSENT, line;

	if (!str_is(pacman_value(desc, "%NAME%"), s->name))
		return 0;
	s->found++;
	provide(s, str_of(s->name));
	while (pacman_line(&desc, &section, &line))
		if (str_is(section, "%PROVIDES%"))
			provide(s, bare(line));
	return 0;
}

static int pacman_requires(const char *dir _unused_, struct str desc, void *data)
{
	struct search *s = data;
	struct str user = pacman_value(desc, "%NAME%"), section = STR_ABSENT, line;

	while (!str_is(user, s->name) && pacman_line(&desc, &section, &line))
		if (str_is(section, "%DEPENDS%"))
			ask(s, user, bare(line));
	return 0;
}

static int search_pacman(struct host *host, struct search *s, struct err *err)
{
	int r = pacman_each(host_root_fd(host), pacman_provides, s, err);

	return r == 0 ? pacman_each(host_root_fd(host), pacman_requires, s, err) : r;
}

/* --- both ------------------------------------------------------------------------------------ */

struct asked {
	const char *name;
	int (*search)(struct host *, struct search *, struct err *);
};

static void search_done(struct search *s)
{
	arena_done(&s->arena);
}

/* "COUNT USER" */
static int answer(struct host *host, const void *data, struct buf *out, struct err *err)
{
	const struct asked *asked = data;
	_cleanup_(search_done) struct search s = {.name = asked->name};
	int r;

	map_init(&s.provided, &s.arena);
	r = asked->search(host, &s, err);
	if (r < 0)
		return r;
	buf_printf(out, "%zu ", s.found);
	buf_str(out, s.user);
	return 0;
}

int package_user(struct host *host, const char *manager, const char *name, struct arena *a,
				 struct str *ret, struct err *err)
{
	struct asked *asked = arena_new(a, struct asked, 1);
	struct query query = {.name = arena_printf(a, "%s-user %s", manager, name),
						  .live_with = answer,
						  .data = asked,
						  .tree = true};
	struct str text, count = STR("");
	int r;

	*asked = (struct asked){name, strcmp(manager, "rpm") == 0 ? search_rpm : search_pacman};
	r = host_query(host, &query, a, &text, err);
	if (r < 0)
		return r;
	(void)str_cut(&text, ' ', &count);
	if (!str_is(count, "1"))
		return err_set(err, EEXIST, "%s is installed in %.*s versions", name, STR_ARG(count));
	*ret = text.n ? text : STR_ABSENT;
	return 0;
}

/* A file with a name, or a pattern, a line. */
static bool is_listed(struct host *host, const char *path, const char *name, struct arena *a)
{
	struct str text, line;
	struct err ignored;

	if (host_read(host, path, a, &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_glob(str_dup(a, str_trim(line)), str_of(name)))
			return true;
	return false;
}

static bool is_held_by_pacman(struct host *host, const char *name, struct arena *a)
{
	struct str text, line, word;
	struct err ignored;

	if (host_read(host, "/etc/pacman.conf", a, &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (!str_skip(&line, "HoldPkg"))
			continue;
		while (str_word(&line, &word))
			if (str_is(word, name))
				return true;
	}
	return false;
}

bool package_is_protected(struct host *host, const char *manager, const char *name, struct arena *a)
{
	static const char *const dirs[] = {"/etc/dnf/protected.d", "/etc/yum/protected.d"};
	struct err ignored;

	if (strcmp(manager, "pacman") == 0)
		return is_held_by_pacman(host, name, a);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct str *files;
		size_t n;

		if (host_list_files(host, dirs[i], ".conf", a, &files, &n, &ignored) < 0)
			continue;
		for (size_t k = 0; k < n; k++)
			if (is_listed(host, files[k].p, name, a))
				return true;
	}
	return false;
}
