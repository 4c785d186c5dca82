/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tool of the distribution can put into PAM's stacks: for Debian's pam-auth-update the
 * profiles that are on, for authselect the features of its profile, and two lines that people change
 * by hand. Hosts with another tool have rows for the group of su alone.
 */
#include "base/vec.h"
#include "host/authselect.h"
#include "host/edit.h"
#include "host/pam_profiles.h"
#include "host/pam_stack.h"
#include "host/passwd.h"
#include "host/table.h"

#define COMMON_AUTH "/etc/pam.d/common-auth"
#define FAILLOCK_CONF "/etc/security/faillock.conf"

enum { FEATURE, VALUE };

static const struct column columns[] = {
	[FEATURE] =
		{"feature", TYPE_STRING,
		 "faillock, pwhistory, pwquality: profiles or features; nullok: pam_unix lets in without a "
		 "password; su-group: only members of a group may use su",
		 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "enabled or disabled", COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

static const char *word_of(bool enabled)
{
	return enabled ? "enabled" : "disabled";
}

/* --- reading --------------------------------------------------------------------------------- */

static void add(struct rows *rows, const char *feature, bool enabled, const char *file)
{
	struct row *row = rows_add(rows, FROM(file, 0));

	row_strz(row, FEATURE, feature);
	row_strz(row, VALUE, word_of(enabled));
}

static bool is_enabled(const struct pam_profiles *p, const struct pam_feature *f)
{
	for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].name; i++)
		if (!pam_profiles_has(p, f, i))
			return false;
	return true;
}

static bool is_auth(const struct pam_line *line, const char *service, const char *module)
{
	return str_is(line->service, service) && str_is(line->type, "auth") &&
		   str_is(line->module, module);
}

static bool has_argument(const struct pam_line *line, const char *argument)
{
	for (size_t i = 0; i < line->n_args; i++)
		if (str_is(line->args[i], argument))
			return true;
	return false;
}

static bool is_su_limited(const struct pam_stack *stack, const char *service)
{
	for (size_t i = 0; i < stack->n; i++) {
		const struct pam_line *line = &stack->lines[i];

		if (is_auth(line, service, "pam_wheel.so") && !has_argument(line, "deny") &&
			(str_is(line->control, "required") || str_is(line->control, "requisite")))
			return true;
	}
	return false;
}

/* Which feature of authselect's is ours; that of nullok takes it away. pwquality is in all its profiles. */
static const char *authselect_feature(struct str key)
{
	return str_is(key, "faillock")    ? "with-faillock"
		   : str_is(key, "pwhistory") ? "with-pwhistory"
		   : str_is(key, "nullok")    ? "without-nullok"
									  : NULL;
}

static void read_authselect(struct rows *rows, const struct authselect *s)
{
	static const struct str keys[] = {STR("faillock"), STR("pwhistory"), STR("nullok")};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		add(rows, keys[i].p,
			authselect_has(s, authselect_feature(keys[i])) != str_is(keys[i], "nullok"),
			AUTHSELECT_CONF);
		if (s->edited)
			row_unknown(rows->p[rows->n - 1], VALUE, s->edited);
	}
}

static int read_pam_features(struct host *host, struct rows *rows, struct err *err)
{
	struct pam_profiles profiles;
	struct authselect authselect;
	struct pam_stack stack;
	int r = pam_read(host, rows->arena, &stack, err);

	if (r < 0)
		return r;
	add(rows, "su-group", is_su_limited(&stack, "su"), "/etc/pam.d/su");
	if (stack.gap)
		rows_gap(rows, "%s", stack.gap);
	r = authselect_read(host, rows->arena, &authselect, err);
	if (r == 0)
		read_authselect(rows, &authselect);
	if (r != -ENOENT)
		return r;
	r = pam_profiles_read(host, rows->arena, &profiles, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (const struct pam_feature *f = pam_features; f->name; f++)
		add(rows, f->name, is_enabled(&profiles, f), "/var/lib/pam");
	add(rows, "nullok", profiles.nullok, COMMON_AUTH);
	return 0;
}

/* --- what may be changed --------------------------------------------------------------------- */

static bool is_there(struct host *host, const char *path)
{
	struct path_stat st;
	struct err ignored;

	return host_stat(host, path, true, &st, &ignored) == 0;
}

/* The tool's state, where it would not refuse. */
static int read_tool(struct host *host, struct arena *a, struct pam_profiles *ret, struct err *err)
{
	int r = pam_profiles_read(host, a, ret, err);

	if (r == -ENOENT && is_there(host, AUTHSELECT))
		return err_set(
			err, ENOTSUP,
			"authselect is here and manages nothing: the stacks in /etc/pam.d are edited by "
			"hand, or one of its profiles is selected");
	if (r == -ENOENT)
		return err_set(err, ENOTSUP,
					   "neither pam-auth-update nor authselect is here: the stacks in "
					   "/etc/pam.d are edited by hand");
	if (r < 0)
		return r;
	return ret->edited ? err_set(err, ENOTSUP,
								 "somebody edited %s by hand, and pam-auth-update keeps "
								 "out of that: edit it there",
								 ret->edited)
					   : 0;
}

/* PAM refuses everybody where a stack names a module that is not there. */
static int check_modules(struct host *host, struct arena *a, const struct pam_feature *f,
						 struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].name; i++)
		if (!f->profiles[i].text &&
			!is_there(host, arena_printf(a, "%s/%s", PAM_CONFIGS, f->profiles[i].name)))
			return err_set(err, ENOTSUP,
						   "there is no profile %s: install the package libpam-%s, which "
						   "puts itself into the stacks",
						   f->profiles[i].name, f->profiles[i].name);
	return pam_has_module(host, a, f->module)
			   ? 0
			   : err_set(err, ENOTSUP,
						 "PAM has no module %s here, and refuses everybody where a stack "
						 "names one that is not there: install it first",
						 f->module);
}

/* With it a stranger who guesses locks the console's root as well. */
static int check_root_stays(struct host *host, struct arena *a, struct err *err)
{
	struct str text, line;
	unsigned number = 0;
	int r = host_read(host, FAILLOCK_CONF, a, &text, err);

	while (r == 0 && str_line(&text, &line))
		if (++number && str_starts(str_trim(line), "even_deny_root"))
			return err_set(err, ENOTSUP,
						   FAILLOCK_CONF ":%u has even_deny_root, so that root would be "
										 "locked out as well: take it out first",
						   number);
	return r == -ENOENT ? 0 : r;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Beside what is to change, all that should still be as it is when that is done, and when it is undone. */
static void edit_stacks(struct edits *edits, const struct pam_profiles *p, const char *feature,
						const char *field, bool present, bool wanted)
{
	struct str others = pam_profiles_others(p, edits->arena);

	edit_state(edits, "pam", feature, field, present ? STR("yes") : STR("no"),
			   wanted ? STR("yes") : STR("no"));
	edit_state(edits, "pam", feature, "others", others, others);
	edit_state(edits, "pam", feature, "options", p->options, p->options);
	edit_state(edits, "pam", feature, "edited", STR("no"), STR("no"));
}

static int enable(struct host *host, const struct pam_feature *f, struct edits *edits,
				  struct err *err)
{
	struct pam_profiles profiles;
	int r = read_tool(host, edits->arena, &profiles, err);

	if (r == 0)
		r = check_modules(host, edits->arena, f, err);
	if (r == 0 && strcmp(f->name, "faillock") == 0)
		r = check_root_stays(host, edits->arena, err);
	if (r < 0)
		return r;
	pam_feature_write(edits, f, "");
	for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].name; i++)
		edit_stacks(edits, &profiles, f->name, f->profiles[i].name, pam_profiles_has(&profiles, f, i),
					true);
	return 0;
}

static int take_nullok(struct host *host, struct edits *edits, struct err *err)
{
	struct pam_profiles profiles;
	struct pam_stack stack;
	int r = read_tool(host, edits->arena, &profiles, err);

	if (r == 0)
		r = pam_read(host, edits->arena, &stack, err);
	for (size_t i = 0; r == 0 && i < stack.n; i++) {
		const struct pam_line *line = &stack.lines[i];

		if (str_is(line->type, "auth") && str_is(line->module, "pam_unix.so") &&
			has_argument(line, "nullok") && strcmp(line->file, COMMON_AUTH) != 0)
			return err_set(err, ENOTSUP, "%s:%u has nullok as well: take it out there", line->file,
						   line->line);
	}
	if (r == 0)
		edit_stacks(edits, &profiles, "nullok", "nullok", profiles.nullok, false);
	return r;
}

/* --- su -------------------------------------------------------------------------------------- */

/* The group whose members are administrators anyway. */
static const char *admin_group(const struct passwd_db *db)
{
	static const char *const names[] = {"sudo", "wheel"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct passwd_group *g = passwd_group_by_name(db, str_of(names[i]));

		for (size_t k = 0; g && k < g->n_members; k++) {
			const struct passwd_user *u = passwd_by_name(db, g->members[k]);

			if (u && u->uid && passwd_can_login(u))
				return names[i];
		}
	}
	return NULL;
}

static int line_of(struct host *host, struct arena *a, const char *file, unsigned number,
				   struct str *ret, struct err *err)
{
	struct str text;
	int r = host_read(host, file, a, &text, err);

	for (unsigned n = 0; r == 0 && n < number; n++)
		if (!str_line(&text, ret))
			return err_set(err, ESTALE, "%s: it has no line %u", file, number);
	return r;
}

/* Behind the line that lets root through, so that root is not asked. A file that the other service
 * includes is edited once. */
static int limit_service(struct host *host, const struct pam_stack *stack, const char *service,
						 const char *group, struct edits *edits, struct err *err)
{
	struct arena *a = edits->arena;
	struct str old = STR_ABSENT;

	if (is_su_limited(stack, service))
		return 0;
	for (size_t i = 0; i < stack->n; i++) {
		const struct pam_line *line = &stack->lines[i];
		int r;

		if (!is_auth(line, service, "pam_rootok.so") || !str_is(line->control, "sufficient") ||
			!str_starts(str_of(line->file), "/etc/pam.d/"))
			continue;
		for (size_t k = 0; k < edits->n; k++)
			if (edits->p[k].kind == EDIT_LINE && strcmp(edits->p[k].target, line->file) == 0)
				return 0;
		r = line_of(host, a, line->file, line->line, &old, err);
		if (r == 0 && str_ends(old, "\\"))
			break;
		if (r == 0)
			edit_line(
				edits, line->file, line->line, old,
				str_of(arena_printf(a, "%.*s\nauth       required   pam_wheel.so use_uid group=%s",
									STR_ARG(old), group)));
		return r;
	}
	return err_set(err, ENOTSUP,
				   "the stack of %s has no line with pam_rootok.so behind which it could "
				   "stand",
				   service);
}

static bool has_service(const struct pam_stack *stack, const char *service)
{
	for (size_t i = 0; i < stack->n; i++)
		if (str_is(stack->lines[i].service, service) && str_is(stack->lines[i].type, "auth"))
			return true;
	return false;
}

static int limit_su(struct host *host, struct edits *edits, struct err *err)
{
	static const char *const services[] = {"su", "su-l"};
	struct pam_stack stack;
	struct passwd_db db;
	const char *group;
	int r = pam_read(host, edits->arena, &stack, err);

	if (r == 0)
		r = passwd_read(host, edits->arena, &db, err);
	if (r < 0)
		return r;
	group = admin_group(&db);
	if (!group)
		return err_set(err, ENOTSUP,
					   "neither sudo nor wheel is a group with a person in it, and nobody "
					   "could use su any more: make one, and name it in /etc/pam.d/su");
	if (!pam_has_module(host, edits->arena, "pam_wheel.so"))
		return err_set(err, ENOTSUP, "PAM has no module pam_wheel.so here");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(services); i++)
		if (has_service(&stack, services[i]))
			r = limit_service(host, &stack, services[i], group, edits, err);
	return r;
}

/* --- authselect ------------------------------------------------------------------------------ */

static int check_authselect(struct host *host, struct arena *a, const struct authselect *s,
							struct str key, const char *feature, struct err *err)
{
	const struct pam_feature *f = pam_feature_find(key);
	int r;

	if (!feature)
		return err_set(err, ENOTSUP,
					   "authselect has no feature for %.*s: its profile %.*s has it or "
					   "has it not",
					   STR_ARG(key), STR_ARG(s->profile));
	if (s->edited)
		return err_set(err, ENOTSUP, "%s, so the stacks are edited by hand", s->edited);
	if (!is_there(host, AUTHSELECT))
		return err_set(err, ENOTSUP, "there is no " AUTHSELECT " here");
	r = authselect_offers(host, a, s, feature, err);
	if (r <= 0)
		return r < 0 ? r
					 : err_set(err, ENOTSUP, "authselect's profile %.*s has no feature %s",
							   STR_ARG(s->profile), feature);
	if (f && !pam_has_module(host, a, f->module))
		return err_set(err, ENOTSUP, "PAM has no module %s here: install it first", f->module);
	return str_is(key, "faillock") ? check_root_stays(host, a, err) : 0;
}

/* Beside the feature, what should still be so when it is done, and when it is undone. */
static int set_authselect(struct host *host, const struct authselect *s, struct str key,
						  struct edits *edits, struct err *err)
{
	const char *feature = authselect_feature(key);
	bool present = feature && authselect_has(s, feature);
	int r = check_authselect(host, edits->arena, s, key, feature, err);

	if (r < 0)
		return r;
	edit_state(edits, "authselect", "features", feature, present ? STR("yes") : STR("no"),
			   STR("yes"));
	edit_state(edits, "authselect", "features", "profile", s->profile, s->profile);
	edit_state(edits, "authselect", "features", "edited", STR("no"), STR("no"));
	return 0;
}

static int set_pam_features(struct host *host, const struct wish *wish, struct edits *edits,
							struct err *err)
{
	const struct pam_feature *f = pam_feature_find(wish->key);
	bool wanted = wish->value.state == VALUE_SET && str_is(wish->value.string, "enabled");
	bool is_ours = wanted ? f != NULL : str_is(wish->key, "nullok");
	struct authselect authselect;
	int r = is_ours ? authselect_read(host, edits->arena, &authselect, err) : -ENOENT;

	if (r != -ENOENT)
		return r < 0 ? r : set_authselect(host, &authselect, wish->key, edits, err);
	if (f && wanted)
		return enable(host, f, edits, err);
	if (str_is(wish->key, "nullok") && !wanted)
		return take_nullok(host, edits, err);
	if (str_is(wish->key, "su-group") && wanted)
		return limit_su(host, edits, err);
	return err_set(err, ENOTSUP, "that %.*s is %s is decided by hand", STR_ARG(wish->key),
				   word_of(wanted));
}

static bool is_feature(struct str key)
{
	return pam_feature_find(key) || str_is(key, "nullok") || str_is(key, "su-group");
}

static const struct table pam_features_table = {
	.name = "pam_features",
	.doc = "What can be put into PAM's stacks: profiles of pam-auth-update, features of "
		   "authselect, nullok, the group for su",
	.columns = columns,
	.read = read_pam_features,
	.is_key = is_feature,
	.set = set_pam_features,
	.fix = "pam-auth-update or authselect for {feature}, or a line of /etc/pam.d",
};
TABLE(pam_features_table);
