/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pam_try.h"

#include "base/num.h"

/* What a module returns, of the many values that there are. */
enum result { SUCCESS, IGNORED, FAILED, UNKNOWN_USER, DOUBTFUL };

static const char *const results[] = {[SUCCESS] = "success",
									  [IGNORED] = "ignore",
									  [FAILED] = "auth_err",
									  [UNKNOWN_USER] = "user_unknown"};

enum action { IGNORE, OK, DONE, BAD, DIE, JUMP, UNCLEAR };

static const char *const actions[] = {
	[IGNORE] = "ignore", [OK] = "ok", [DONE] = "done", [BAD] = "bad", [DIE] = "die"};

static bool has_argument(const struct pam_line *line, const char *argument)
{
	for (size_t i = 0; i < line->n_args; i++)
		if (str_is(line->args[i], argument))
			return true;
	return false;
}

static bool is_among(const char *const *list, struct str s)
{
	for (; *list; list++)
		if (str_is(s, *list))
			return true;
	return false;
}

static enum result result_of(const struct pam_line *line, bool right)
{
	/* These know nothing of an account of /etc/passwd. */
	static const char *const elsewhere[] = {"pam_sss.so",     "pam_ldap.so",         "pam_krb5.so",
											"pam_winbind.so", "pam_systemd_home.so", NULL};
	static const char *const agree[] = {"pam_permit.so",
										"pam_env.so",
										"pam_nologin.so",
										"pam_faildelay.so",
										"pam_securetty.so",
										"pam_shells.so",
										"pam_group.so",
										"pam_warn.so",
										"pam_issue.so",
										"pam_motd.so",
										"pam_keyinit.so",
										"pam_wheel.so",
										NULL};
	static const char *const keep_out[] = {"pam_deny.so", "pam_rootok.so", NULL};

	if (line->note && !str_starts(str_of(line->note), "with -"))
		return FAILED;
	if (str_is(line->module, "pam_unix.so"))
		return right ? SUCCESS : FAILED;
	if (str_is(line->module, "pam_faillock.so"))
		return has_argument(line, "authfail") ? IGNORED : SUCCESS;
	if (str_is(line->module, "pam_cap.so") || str_is(line->module, "pam_gnome_keyring.so"))
		return IGNORED;
	return is_among(elsewhere, line->module)  ? UNKNOWN_USER
		   : is_among(agree, line->module)    ? SUCCESS
		   : is_among(keep_out, line->module) ? FAILED
											  : DOUBTFUL;
}

static enum action action_named(struct str name, unsigned *ret_jump)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (str_is(name, actions[i]))
			return (enum action)i;
	if (num_u64(name, 1, 1000, &n) < 0)
		return UNCLEAR;
	*ret_jump = (unsigned)n;
	return JUMP;
}

/* "[success=1 default=ignore]": the value's own action, else the default's, else that it is bad. */
static enum action action_listed(struct str list, enum result result, unsigned *ret_jump)
{
	enum action otherwise = BAD;
	struct str item, name;

	while (str_word(&list, &item)) {
		if (!str_cut(&item, '=', &name) || !item.p)
			return UNCLEAR;
		if (str_is(name, results[result]))
			return action_named(item, ret_jump);
		if (str_is(name, "default"))
			otherwise = action_named(item, ret_jump);
	}
	return otherwise;
}

static enum action action_of(struct str control, enum result result, unsigned *ret_jump)
{
	if (str_is(control, "required"))
		return result == SUCCESS ? OK : result == IGNORED ? IGNORE : BAD;
	if (str_is(control, "requisite"))
		return result == SUCCESS ? OK : result == IGNORED ? IGNORE : DIE;
	if (str_is(control, "sufficient"))
		return result == SUCCESS ? DONE : IGNORE;
	if (str_is(control, "optional"))
		return result == SUCCESS ? OK : IGNORE;
	if (control.n < 2 || control.p[0] != '[')
		return UNCLEAR;
	return action_listed((struct str){control.p + 1, control.n - 2}, result, ret_jump);
}

struct trial {
	bool right;
	bool admitted, refused; /* so far: the impression that libpam has */
	bool doubtful, over;
	unsigned skip;
};

static void play(struct trial *t, const struct pam_line *line)
{
	enum result result = result_of(line, t->right);
	enum action action;

	if (result == DOUBTFUL) {
		/* It may fail, or end the stack; an optional one decides nothing where another has. */
		t->doubtful = t->doubtful || !str_is(line->control, "optional");
		return;
	}
	action = action_of(line->control, result, &t->skip);
	switch (action) {
	case UNCLEAR:
		t->doubtful = true;
		break;
	case BAD:
	case DIE:
		t->refused = true;
		t->over = action == DIE;
		break;
	case OK:
	case DONE:
		/* "ok" for a failure makes that the answer. */
		t->refused = t->refused || (result != SUCCESS && result != IGNORED);
		t->admitted = t->admitted || (!t->refused && result == SUCCESS);
		t->over = action == DONE && t->admitted && !t->refused;
		break;
	case IGNORE:
	case JUMP: /* which leaves the impression as it is */
		break;
	}
}

enum pam_answer pam_try_password(const struct pam_stack *stack, const char *service, bool right)
{
	struct trial t = {.right = right};

	for (size_t i = 0; i < stack->n && !t.over; i++) {
		const struct pam_line *line = &stack->lines[i];

		if (!str_is(line->service, service) || !str_is(line->type, "auth"))
			continue;
		if (t.skip)
			t.skip--;
		else
			play(&t, line);
	}
	if (t.doubtful)
		return PAM_UNSURE;
	return t.admitted && !t.refused && !t.skip ? PAM_ADMITS : PAM_REFUSES;
}
