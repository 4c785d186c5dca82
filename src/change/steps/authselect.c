/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features of the profile from which authselect(8) makes PAM's stacks, as /etc/authselect/authselect.conf
 * has them. Which profile it is, and that its links are in place, is part of the state. Where somebody has
 * edited what it wrote, which it would write over, nothing is done.
 *
 * Undone, all files of the tool's are put back (change/delta.h), where nobody has changed them since; else
 * the tool takes this change's part out.
 */
#include <unistd.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/fs.h"
#include "change/pam_tool.h"
#include "host/authselect.h"

#define MAX_FILE ((size_t)1 << 20)
#define OWN "/etc/authselect"

static const struct delta_part parts[] = {
	{OWN, DELTA_CONTENT, false},
	{"/etc/pam.d", DELTA_CONTENT, false},
	{"/etc/nsswitch.conf", DELTA_CONTENT, false},
	{"/etc/dconf/db", DELTA_CONTENT, true},
	{"/var/lib/authselect", DELTA_CONTENT, true},
};
static const struct delta_watch watch = {parts, ARRAY_LEN(parts), NULL, 0};

/* Every feature that is asked for is a field, so all that there are have to be told: those that are on, and
 * those that the step may be about. */
static const char *const features[] = {"with-faillock", "with-pwhistory", "without-nullok"};

static int capture_authselect(const struct place *place, const char *target _unused_,
							  struct arena *a, struct state *ret, struct err *err)
{
	_cleanup_host_ struct host *host = host_open(place->root, err);
	struct authselect s;

	if (!host || authselect_read(host, a, &s, err) < 0)
		return -err->errnum;
	state_set(ret, a, "profile", s.profile);
	state_set(ret, a, "edited", s.edited ? str_of(s.edited) : STR("no"));
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		state_set(ret, a, features[i], authselect_has(&s, features[i]) ? STR("yes") : STR("no"));
	return 0;
}

/* --- is it all the tool's? --------------------------------------------------------------------- */

static const struct {
	const char *option, *path;
} stacks[] = {
	{"--system-auth", "/etc/authselect/system-auth"},
	{"--password-auth", "/etc/authselect/password-auth"},
	{"--postlogin", "/etc/authselect/postlogin"},
	{"--smartcard-auth", "/etc/authselect/smartcard-auth"},
	{"--fingerprint-auth", "/etc/authselect/fingerprint-auth"},
	{"--nsswitch", "/etc/authselect/nsswitch.conf"},
};

/* The next line that is no comment. */
static bool next_line(struct str *text, struct str *ret)
{
	while (str_line(text, ret)) {
		*ret = str_trim(*ret);
		if (ret->n && ret->p[0] != '#')
			return true;
	}
	*ret = STR_ABSENT;
	return false;
}

static bool say_the_same(struct str a, struct str b)
{
	struct str x, y;

	for (;;) {
		bool more = next_line(&a, &x), other = next_line(&b, &y);

		if (more != other || (more && !str_eq(x, y)))
			return false;
		if (!more)
			return true;
	}
}

/* `authselect test` prints the file as it would be, below a line with its name. */
static int check_stack(const struct place *place, const struct authselect *s, size_t i,
					   struct arena *a, struct err *err)
{
	struct exec_result result = {0};
	VEC(const char *) argv = {0};
	struct str text, title;
	int r = path_read(place->root_fd, stacks[i].path, MAX_FILE, a, &text);

	if (r < 0)
		return err_errno(err, -r, "%s", stacks[i].path);
	*vec_push(a, &argv) = AUTHSELECT;
	*vec_push(a, &argv) = "test";
	*vec_push(a, &argv) = str_dup(a, s->profile);
	for (size_t k = 0; k < s->n; k++)
		*vec_push(a, &argv) = str_dup(a, s->features[k]);
	*vec_push(a, &argv) = stacks[i].option;
	*vec_push(a, &argv) = NULL;
	r = step_ask(place, argv.p, 60000, a, &result, err);
	if (r < 0)
		return r;
	(void)str_line(&result.out, &title);
	return result.status || !str_starts(title, "File ") || !say_the_same(result.out, text)
			   ? err_set(err, EPERM,
						 "%s is not as authselect makes it of its profile: somebody edited "
						 "it, which authselect would undo",
						 stacks[i].path)
			   : 0;
}

/* And the time of /etc, in which it makes its link of nsswitch.conf anew. */
static int save_authselect(const struct place *place, const struct step *step _unused_,
						   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_host_ struct host *host = host_open(place->root, err);
	struct authselect s;
	int r = host ? authselect_read(host, &a, &s, err) : -err->errnum;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(stacks); i++)
		r = check_stack(place, &s, i, &a, err);
	return r == 0 ? fs_save(place, OWN, false, saved, err) : r;
}

static void restore_times(const struct place *place, const struct step *step _unused_,
						  const struct saved *saved)
{
	fs_restore_parent_times(place, OWN, saved);
}

/* --- changing ---------------------------------------------------------------------------------- */

static int run_tool(const struct place *place, const struct state *to, struct arena *a,
					struct err *err)
{
	struct state now = {0};
	int r = capture_authselect(place, "", a, &now, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(features); i++) {
		struct str wanted = state_get(to, features[i]);
		const char *const argv[] = {AUTHSELECT,
									str_is(wanted, "yes") ? "enable-feature" : "disable-feature",
									features[i], NULL};

		if (wanted.p && !str_eq(wanted, state_get(&now, features[i])))
			r = step_run(place, argv, 60000, err);
	}
	/* It leaves that to the kernel, and an empty file of PAM's lets nobody in. */
	sync();
	return r == 0 ? pam_tool_check(place, err) : r;
}

static int perform_authselect(const struct place *place, const struct step *s,
							  const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	int r = delta_begin(place, &watch, saved, err);

	if (r == 0)
		r = run_tool(place, &s->after, &a, err);
	return r == 0 ? delta_end(place, saved, err) : r;
}

static bool was_changed_since(const struct saved *saved)
{
	static const char *const telling[] = {AUTHSELECT_CONF, "/etc/authselect/system-auth",
										  "/etc/authselect/password-auth"};

	for (size_t i = 0; i < ARRAY_LEN(telling); i++)
		if (delta_is_foreign(saved, telling[i]))
			return true;
	return false;
}

static int put_authselect(const struct place *place, const char *target _unused_,
						  const struct state *to, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	int r;

	if (!saved || !delta_was_begun(saved))
		return 0;
	pam_tool_wait(AUTHSELECT);
	r = delta_foreign(place, saved, err);
	if (r < 0)
		return r;
	return !saved->force && was_changed_since(saved) ? run_tool(place, to, &a, err)
													 : delta_undo(place, saved, err);
}

static void undo_authselect(struct buf *out, const struct step *s _unused_)
{
	buf_puts(out, "if [ -e \"$SAVED.delta\" ] || [ -e \"$SAVED.seen\" ]; then\n");
	delta_undo_sh(out);
	buf_puts(out, "touch -c -m -r \"$SAVED.dir\" \"$ROOT/etc\"\nfi\n");
}

static const struct step_type authselect_step = {
	.name = "authselect",
	.doc = "features of the profile that authselect makes PAM's stacks of",
	.order = 45,
	.capture = capture_authselect,
	.put = put_authselect,
	.save = save_authselect,
	.perform = perform_authselect,
	.restore_times = restore_times,
	.undo_sh = undo_authselect,
};
STEP_TYPE(authselect_step);
