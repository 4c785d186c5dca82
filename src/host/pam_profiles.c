/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pam_profiles.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"

#define MAX_TEXT ((size_t)1 << 20)

/* Before every other module, and behind every one that may know the password: pam-auth-update keeps
 * the lines of a profile together, so that this takes two. The line in the account stack forgets the
 * failures; it locks nobody out, so that a key still lets in. */
#define FAILLOCK_FIRST                                                    \
	"Name: Refuse accounts that are locked after failed logins (revet)\n" \
	"Default: no\nPriority: 1024\n"                                       \
	"Auth-Type: Primary\nAuth:\n\trequisite\tpam_faillock.so preauth\n"   \
	"Account-Type: Primary\nAccount:\n\trequired\tpam_faillock.so\n"
#define FAILLOCK                                        \
	"Name: Lock accounts after failed logins (revet)\n" \
	"Default: no\nPriority: 0\n"                        \
	"Auth-Type: Primary\nAuth:\n\t[default=die]\tpam_faillock.so authfail\n"
/* Behind what checks a new password's quality, which then has asked for it, and before pam_unix. */
#define PWHISTORY                                                                      \
	"Name: Remember old passwords (revet)\n"                                           \
	"Default: no\nPriority: 512\n"                                                     \
	"Password-Type: Primary\nPassword:\n\trequisite\tpam_pwhistory.so use_authtok%s\n" \
	"Password-Initial:\n\trequisite\tpam_pwhistory.so%s\n"

#define TYPE(t) (1u << PAM_##t)

const struct pam_feature pam_features[] = {
	{"faillock",
	 "pam_faillock.so",
	 {{"revet-faillock-first", TYPE(AUTH) | TYPE(ACCOUNT), FAILLOCK_FIRST},
	  {"revet-faillock", TYPE(AUTH), FAILLOCK}}},
	{"pwhistory", "pam_pwhistory.so", {{"revet-pwhistory", TYPE(PASSWORD), PWHISTORY}}},
	{"pwquality", "pam_pwquality.so", {{"pwquality", TYPE(PASSWORD), NULL}}},
	{0},
};

const char *const pam_type_names[PAM_TYPES] = {
	[PAM_AUTH] = "auth",
	[PAM_ACCOUNT] = "account",
	[PAM_PASSWORD] = "password",
	[PAM_SESSION] = "session",
	[PAM_NONINTERACTIVE] = "session-noninteractive",
};

const struct pam_feature *pam_feature_find(struct str name)
{
	for (const struct pam_feature *f = pam_features; f->name; f++)
		if (str_is(name, f->name))
			return f;
	return NULL;
}

/* In the place of what the same rule has wanted of it before. */
static void put_content(struct edits *edits, const char *path, struct str content)
{
	for (size_t i = 0; i < edits->n; i++)
		if (edits->p[i].kind == EDIT_CONTENT && strcmp(edits->p[i].target, path) == 0) {
			edits->p[i].value = (struct str){str_dup(edits->arena, content), content.n};
			return;
		}
	edit_content(edits, path, content);
}

/* Each "%s" of a profile's text with the arguments in its place. */
void pam_feature_write(struct edits *edits, const struct pam_feature *f, const char *arguments)
{
	for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].text; i++) {
		_cleanup_buf_ struct buf text = BUF(MAX_TEXT);
		const char *rest = f->profiles[i].text, *hole;

		for (; (hole = strstr(rest, "%s")); rest = hole + 2) {
			buf_add(&text, rest, (size_t)(hole - rest));
			buf_puts(&text, arguments);
		}
		buf_puts(&text, rest);
		put_content(edits, arena_printf(edits->arena, "%s/%s", PAM_CONFIGS, f->profiles[i].name),
					buf_get(&text));
	}
}

/* --- lines ----------------------------------------------------------------------------------- */

/* "[success=1 default=ignore]\tpam_unix.so nullok": the part up to the module's name, whose bytes the
 * tool compares, is taken off. */
static struct str take_head(struct str *line)
{
	const char *end = str_starts(*line, "[") ? memchr(line->p, ']', line->n) : NULL;
	struct str rest = *line, word = STR_ABSENT;

	if (end)
		rest = (struct str){end + 1, (size_t)(line->p + line->n - end - 1)};
	else
		(void)str_word(&rest, &word);
	(void)str_word(&rest, &word);
	word = (struct str){line->p, line->n - rest.n};
	*line = rest;
	return word;
}

/* Without how far it jumps, which the tool works out anew each time. */
static struct str without_jumps(struct arena *a, struct str head)
{
	char *copy = str_dup(a, head);
	size_t kept = 0;
	bool inside = false;

	for (size_t i = 0; i < head.n; i++) {
		inside = head.p[i] == '[' || (inside && head.p[i] != ']');
		if (inside && head.p[i] >= '0' && head.p[i] <= '9')
			continue;
		if (inside && head.n - i > 4 && memcmp(head.p + i, "=end", 4) == 0) {
			copy[kept++] = '=';
			i += 3;
			continue;
		}
		copy[kept++] = head.p[i];
	}
	return (struct str){copy, kept};
}

static bool has_word(struct str text, struct str wanted)
{
	struct str word;

	while (str_word(&text, &word))
		if (str_eq(word, wanted))
			return true;
	return false;
}

/* --- one file -------------------------------------------------------------------------------- */

struct lines {
	VEC(struct str) p;
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct pam_profiles *ret;
	VEC(struct pam_enabled) enabled;
	struct buf options;
};

enum part { BEFORE, PRIMARY, BETWEEN, ADDITIONAL, BEHIND };

static const char *const marks[] = {
	[BEFORE] = "# here are the per-package modules (the \"Primary\" block)",
	[PRIMARY] = "# here's the fallback if no module succeeds",
	[BETWEEN] = "# and here are more per-package modules (the \"Additional\" block)",
	[ADDITIONAL] = "# end of pam-auth-update config",
};

/* The lines that the tool makes, without the type in front, and the others that are no comments. False
 * when it is no file of the tool's. */
static bool split(struct arena *a, struct str text, const char *type, struct lines *made,
				  struct lines *others)
{
	enum part part = BEFORE;
	struct str line;

	while (str_line(&text, &line)) {
		struct str bare = str_trim(line);

		if (part < BEHIND && str_starts(line, marks[part])) {
			part++;
		} else if (part == PRIMARY || part == ADDITIONAL) {
			if (str_skip(&line, type))
				line = str_trim(line);
			*vec_push(a, &made->p) = line;
		} else if (bare.n && bare.p[0] != '#') {
			*vec_push(a, &others->p) = bare;
		}
	}
	return part == BEHIND;
}

static bool same_words(struct str a, struct str b)
{
	struct str x = STR_ABSENT, y = STR_ABSENT;
	bool more = true;

	while (more) {
		more = str_word(&a, &x);
		if (str_word(&b, &y) != more || (more && !str_eq(x, y)))
			return false;
	}
	return true;
}

static void note_options(struct reader *r, const char *type, struct str head, struct str have,
						 struct str lack, char sign)
{
	bool counts = strcmp(type, "auth") != 0 || !str_ends(head, "pam_unix.so");
	struct str word, module = head, rest = have;

	while (str_word(&head, &word))
		module = word;
	while (str_word(&rest, &word))
		if (!has_word(lack, word) && (counts || !str_is(word, "nullok")))
			buf_printf(&r->options, "%s%s %.*s %c%.*s", r->options.n ? "; " : "", type,
					   STR_ARG(module), sign, STR_ARG(word));
}

/* Is each line there that the tool has made, in its order? */
static bool match(struct reader *r, const char *type, const struct lines *made,
				  const struct lines *saved)
{
	if (made->p.n != saved->p.n)
		return false;
	for (size_t i = 0; i < made->p.n; i++) {
		struct str now = made->p.p[i], then = saved->p.p[i];
		struct str head = take_head(&now), old = take_head(&then);

		if (!str_eq(without_jumps(r->arena, head), without_jumps(r->arena, old)))
			return false;
		note_options(r, type, head, now, then, '+');
		note_options(r, type, head, then, now, '-');
	}
	return true;
}

static bool has_nullok(const struct lines *made)
{
	for (size_t i = 0; i < made->p.n; i++) {
		struct str options = made->p.p[i];

		if (str_ends(take_head(&options), "pam_unix.so") && has_word(options, STR("nullok")))
			return true;
	}
	return false;
}

static void add_enabled(struct reader *r, struct str name, enum pam_type type)
{
	size_t i = 0;

	while (i < r->enabled.n && !str_eq(r->enabled.p[i].name, name))
		i++;
	if (i == r->enabled.n)
		vec_push(r->arena, &r->enabled)->name = name;
	r->enabled.p[i].types |= 1u << type;
}

/* "Module: NAME", and the lines that its profile has given. */
static void split_saved(struct reader *r, struct str text, enum pam_type type, struct lines *ret)
{
	struct str line;

	while (str_line(&text, &line))
		if (!str_skip(&line, "Module: "))
			*vec_push(r->arena, &ret->p) = str_trim(line);
		else if (!str_is(line, "null"))
			add_enabled(r, line, type);
}

/* -ENOENT when it is not there; a link is none that the tool has made. */
static int read_text(struct reader *r, const char *path, struct str *ret, struct err *err)
{
	struct path_stat st;
	int status = host_stat(r->host, path, false, &st, err);

	if (status == 0 && !S_ISREG(st.mode))
		status = -ENOENT;
	return status < 0 ? status : host_read(r->host, path, r->arena, ret, err);
}

static bool same_lines(const struct lines *a, const struct lines *b)
{
	bool same = a->p.n == b->p.n;

	for (size_t i = 0; same && i < a->p.n; i++)
		same = same_words(a->p.p[i], b->p.p[i]);
	return same;
}

/* *ret_as_made: the file is as the tool makes it, options apart. What stands outside of its part is
 * compared with the template: a jump over what it makes would lead elsewhere by one line more. */
static int read_stack(struct reader *r, enum pam_type number, bool *ret_as_made, struct err *err)
{
	const char *name = pam_type_names[number];
	const char *type = number == PAM_NONINTERACTIVE ? pam_type_names[PAM_SESSION] : name;
	struct lines made = {0}, others = {0}, template_made = {0}, template_others = {0}, saved = {0};
	struct str current, remembered, template;
	int status = read_text(r, arena_printf(r->arena, "/etc/pam.d/common-%s", name), &current, err);

	if (status == 0)
		status = read_text(r, arena_printf(r->arena, "/var/lib/pam/%s", name), &remembered, err);
	if (status == 0)
		status =
			read_text(r, arena_printf(r->arena, "/usr/share/pam/common-%s", name), &template, err);
	if (status < 0)
		return status == -ENOENT ? 0 : status;
	split_saved(r, remembered, number, &saved);
	*ret_as_made = split(r->arena, current, type, &made, &others) &&
				   split(r->arena, template, type, &template_made, &template_others) &&
				   same_lines(&others, &template_others) && match(r, type, &made, &saved);
	if (number == PAM_AUTH)
		r->ret->nullok = has_nullok(&made);
	return 0;
}

int pam_profiles_read(struct host *host, struct arena *a, struct pam_profiles *ret, struct err *err)
{
	struct reader r = {.host = host, .arena = a, .ret = ret, .options = BUF(MAX_TEXT)};
	struct path_stat st;
	int status = host_stat(host, PAM_AUTH_UPDATE, true, &st, err);

	*ret = (struct pam_profiles){0};
	for (unsigned i = 0; status == 0 && i < PAM_TYPES; i++) {
		bool as_made = false;

		status = read_stack(&r, (enum pam_type)i, &as_made, err);
		if (status == 0 && !as_made && !ret->edited)
			ret->edited = arena_printf(a, "/etc/pam.d/common-%s", pam_type_names[i]);
	}
	ret->enabled = r.enabled.p;
	ret->n = r.enabled.n;
	ret->options =
		r.options.n ? (struct str){arena_copy(a, r.options.p, r.options.n), r.options.n} : STR("");
	buf_done(&r.options);
	return status;
}

/* --- asking ---------------------------------------------------------------------------------- */

bool pam_profiles_has(const struct pam_profiles *p, const struct pam_feature *f, size_t profile)
{
	unsigned types = f->profiles[profile].types;

	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->enabled[i].name, f->profiles[profile].name))
			return (p->enabled[i].types & types) == types;
	return false;
}

static bool is_of_feature(struct str profile)
{
	for (const struct pam_feature *f = pam_features; f->name; f++)
		for (size_t i = 0; i < ARRAY_LEN(f->profiles); i++)
			if (f->profiles[i].name && str_is(profile, f->profiles[i].name))
				return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str pam_profiles_others(const struct pam_profiles *p, struct arena *a)
{
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);
	struct str *sorted = arena_new(a, struct str, p->n + 1);

	for (size_t i = 0; i < p->n; i++)
		sorted[i] = p->enabled[i].name;
	qsort(sorted, p->n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < p->n; i++)
		if (!is_of_feature(sorted[i]))
			buf_printf(&text, "%s%.*s", text.n ? " " : "", STR_ARG(sorted[i]));
	return text.n ? (struct str){arena_copy(a, text.p, text.n), text.n} : STR("");
}

static bool is_in(struct host *host, struct arena *a, const char *dir, const char *module)
{
	struct path_stat st;
	struct err ignored;

	return host_stat(host, arena_printf(a, "%s/security/%s", dir, module), true, &st, &ignored) ==
			   0 &&
		   S_ISREG(st.mode);
}

/* Debian has a directory for each architecture below /usr/lib, or /lib. */
bool pam_has_module(struct host *host, struct arena *a, const char *module)
{
	static const char *const tops[] = {"/usr/lib", "/lib", "/usr/lib64", "/lib64"};
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		struct host_dir dirs = {0};

		if (is_in(host, a, tops[i], module))
			return true;
		if (host_list(host, tops[i], a, &dirs, &ignored) < 0)
			continue;
		for (size_t k = 0; k < dirs.n; k++)
			if (strstr(dirs.entries[k].name, "-linux-") &&
				is_in(host, a, arena_printf(a, "%s/%s", tops[i], dirs.entries[k].name), module))
				return true;
	}
	return false;
}
