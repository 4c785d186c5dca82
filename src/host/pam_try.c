/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pam_try.h"

#include <limits.h>

#include "base/num.h"

/* What a module returns, of the many values that there are. */
enum result { SUCCESS, IGNORED, FAILED, DENIED, UNKNOWN_USER, DOUBTFUL };

static const char *const results[] = {[SUCCESS] = "success",
									  [IGNORED] = "ignore",
									  [FAILED] = "auth_err",
									  [DENIED] = "perm_denied",
									  [UNKNOWN_USER] = "user_unknown"};

enum action { IGNORE, OK, DONE, BAD, DIE, RESET, JUMP, UNCLEAR };

static const char *const actions[] = {[IGNORE] = "ignore", [OK] = "ok",   [DONE] = "done",
									  [BAD] = "bad",       [DIE] = "die", [RESET] = "reset"};

static bool has_argument(const struct pam_line *line, const char *argument)
{
	for (size_t i = 0; i < line->n_args; i++)
		if (str_is(line->args[i], argument))
			return true;
	return false;
}

static enum result result_of(const struct pam_line *line, bool right)
{
	/* These know nothing of an account of /etc/passwd. */
	static const char *const elsewhere[] = {"pam_sss.so",     "pam_ldap.so",         "pam_krb5.so",
											"pam_winbind.so", "pam_systemd_home.so", NULL};
	static const char *const agree[] = {"pam_permit.so", "pam_shells.so", "pam_localuser.so", NULL};
	static const char *const abstain[] = {
		"pam_env.so",   "pam_faildelay.so", "pam_group.so",         "pam_warn.so",
		"pam_issue.so", "pam_cap.so",       "pam_gnome_keyring.so", NULL};
	static const char *const keep_out[] = {"pam_deny.so", "pam_rootok.so", NULL};

	if (line->fails)
		return DENIED;
	if (str_is(line->module, "pam_unix.so"))
		return right ? SUCCESS : FAILED;
	if (str_is(line->module, "pam_faillock.so"))
		return has_argument(line, "authfail") ? IGNORED : SUCCESS;
	if (str_is(line->module, "pam_usertype.so"))
		return has_argument(line, "isregular") ? SUCCESS : FAILED;
	if (str_is(line->module, "pam_nologin.so"))
		return has_argument(line, "successok") ? SUCCESS : IGNORED;
	return str_is_one_of(line->module, elsewhere)  ? UNKNOWN_USER
		   : str_is_one_of(line->module, agree)    ? SUCCESS
		   : str_is_one_of(line->module, abstain)  ? IGNORED
		   : str_is_one_of(line->module, keep_out) ? FAILED
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

static bool is_value(struct str name)
{
	struct str word,
		words = STR(
			"success open_err symbol_err service_err system_err buf_err perm_denied auth_err "
			"cred_insufficient authinfo_unavail user_unknown maxtries new_authtok_reqd "
			"acct_expired "
			"session_err cred_unavail cred_expired cred_err no_module_data conv_err authtok_err "
			"authtok_recover_err authtok_lock_busy authtok_disable_aging try_again ignore abort "
			"authtok_expired module_unknown bad_item conv_again incomplete default");

	while (str_word(&words, &word))
		if (str_eq(word, name))
			return true;
	return false;
}

/* "[success=1 default=ignore]": the value's own action, of several the last; else that of the first
 * default; else that it is bad. With a mistake in it none holds. */
static enum action action_listed(struct str list, enum result result, unsigned *ret_jump)
{
	enum action own = UNCLEAR, otherwise = BAD;
	bool has_own = false, has_default = false;
	struct str item, name;

	while (str_word(&list, &item)) {
		enum action action;
		unsigned count = 0;

		if (!str_cut(&item, '=', &name) || !item.p || !is_value(name))
			return UNCLEAR;
		action = action_named(item, &count);
		if (action == UNCLEAR)
			return UNCLEAR;
		if (str_is(name, results[result])) {
			has_own = true;
			own = action;
			*ret_jump = count;
		} else if (str_is(name, "default") && !has_default) {
			has_default = true;
			otherwise = action;
			*ret_jump = has_own ? *ret_jump : count;
		}
	}
	return has_own ? own : otherwise;
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

/* The impression that libpam has so far, as its _pam_dispatch_aux() keeps it. */
struct impression {
	bool positive, negative;
	enum result status; /* what pam_authenticate() would return */
};

struct trial {
	const struct pam_line *const *lines; /* of one service and type */
	size_t n;
	bool right, doubtful;
	bool undecided; /* one that may have succeeded would do */
	bool spared;    /* the password may not have been asked for */

	struct impression now, entered[PAM_MAX_DEPTH + 1]; /* when each substack was entered */
};

static void accept(struct trial *t, enum result result)
{
	if (t->now.negative || (t->now.positive && t->now.status != SUCCESS))
		return;
	t->now.positive = true;
	t->now.status = result;
}

static void reject(struct trial *t, enum result result)
{
	if (t->now.negative)
		return;
	t->now = (struct impression){.negative = true, .status = result == IGNORED ? DENIED : result};
}

/* Behind line i, past so many lines of its substack, of which one that begins a substack takes that
 * along. Too many are an error. */
static size_t jump(struct trial *t, size_t i, unsigned count)
{
	unsigned level = t->lines[i]->level;

	while (count && i + 1 < t->n && t->lines[i + 1]->level >= level) {
		do
			i++;
		while (i + 1 < t->n && t->lines[i + 1]->level > level);
		count--;
	}
	if (count)
		t->now = (struct impression){.negative = true, .status = DENIED};
	return i;
}

/* The substack is decided, or the whole. */
static size_t leave(const struct trial *t, size_t i)
{
	unsigned level = t->lines[i]->level;

	while (i + 1 < t->n && t->lines[i + 1]->level >= level)
		i++;
	return i;
}

/* The last line that is passed over. */
static size_t play(struct trial *t, size_t i)
{
	const struct pam_line *line = t->lines[i];
	enum result result = result_of(line, t->right);
	unsigned count = 0;

	if (result == DOUBTFUL) {
		/* It may fail, or end the stack; an optional one decides where no other has, and what is
		 * sufficient spares the right password, which does as well. */
		if (str_is(line->control, "optional"))
			t->undecided = true;
		else if (t->right && str_is(line->control, "sufficient"))
			t->spared = true;
		else
			t->doubtful = true;
		return i;
	}
	switch (action_of(line->control, result, &count)) {
	case UNCLEAR:
		t->doubtful = true;
		break;
	case BAD:
		reject(t, result);
		break;
	case DIE:
		reject(t, result);
		return leave(t, i);
	case OK:
		accept(t, result);
		break;
	case DONE:
		accept(t, result);
		return t->now.positive ? leave(t, i) : i;
	case RESET:
		t->now = t->entered[line->level];
		break;
	case JUMP: /* which leaves the impression as it is */
		return jump(t, i, count);
	case IGNORE:
		break;
	}
	return i;
}

static enum pam_answer answer(struct trial *t)
{
	unsigned level = 0;
	bool admits;

	t->now.status = DENIED;
	t->entered[0] = t->now;
	for (size_t i = 0; i < t->n; i++) {
		const struct pam_line *line = t->lines[i];

		if (line->level > level)
			t->entered[line->level] = t->now;
		level = line->level;
		if (!line->substack) {
			i = play(t, i);
			level = line->level;
		}
	}
	admits = t->now.positive && t->now.status == SUCCESS;
	if (t->doubtful || (t->undecided && !t->now.positive && !t->now.negative) ||
		(t->spared && !admits))
		return PAM_UNSURE;
	return admits ? PAM_ADMITS : PAM_REFUSES;
}

static size_t lines_of(const struct pam_stack *stack, const char *service,
					   const struct pam_line **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < stack->n; i++)
		if (str_is(stack->lines[i].service, service) && str_is(stack->lines[i].type, "auth"))
			ret[n++] = &stack->lines[i];
	return n;
}

/* A service without a line of the type has those of the service "other". */
enum pam_answer pam_try_password(const struct pam_stack *stack, const char *service, bool right)
{
	_cleanup_arena_ struct arena arena = {0};
	const struct pam_line **lines = arena_new(&arena, const struct pam_line *, stack->n);
	struct trial t = {.lines = lines, .right = right};

	t.n = lines_of(stack, service, lines);
	if (!t.n)
		t.n = lines_of(stack, "other", lines);
	return answer(&t);
}

/* Lines that the success of one before them passes over. */
struct passed {
	size_t until;   /* up to this index, by a jump */
	unsigned level; /* from here on inwards, where a substack has ended; UINT_MAX: none has */
};

/* What follows when line i succeeds. That of root's own check is about nobody else. */
static void pass_over(struct passed *p, const struct pam_line *const *lines, size_t n, size_t i)
{
	struct trial t = {.lines = lines, .n = n};
	unsigned count = 0;
	enum action action;

	if (lines[i]->substack || lines[i]->fails || str_is(lines[i]->module, "pam_rootok.so"))
		return;
	action = action_of(lines[i]->control, SUCCESS, &count);
	if (action == JUMP)
		p->until = MAX(p->until, jump(&t, i, count));
	else if (action == DONE)
		p->level = MIN(p->level, lines[i]->level);
}

void pam_find_skippable(const struct pam_line *const *lines, size_t n, bool *ret)
{
	struct passed p = {.level = UINT_MAX};

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->level < p.level)
			p.level = UINT_MAX;
		ret[i] = lines[i]->level >= p.level || (i > 0 && i <= p.until);
		pass_over(&p, lines, n, i);
	}
}
