/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule of the kernel's audit: is it in force? Of rules that are locked (-e 2) nothing can be changed
 * before the next boot, so there it counts whether that will load it: what the boot loads is a file's
 * business, whose step is undone before this one.
 */
#include <string.h>

#include "base/exec.h"
#include "host/audit_rule.h"

#include "change/step.h"

#define AUDITCTL "/sbin/auditctl"
#define OWN_FILE "/etc/audit/rules.d/50-revet.rules"
#define MAX_LIST ((size_t)16 << 20)
#define MAX_WORDS 32

static int ask(const char *option, struct arena *a, struct str *ret, struct err *err)
{
	const char *const argv[] = {AUDITCTL, option, NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);

	if (exec_finish(&e, MAX_LIST, 10000, a, &result, err) < 0)
		return -err->errnum;
	if (result.status)
		return err_set(err, EIO, AUDITCTL " %s: exit %d", option, result.status);
	*ret = result.out;
	return 0;
}

static bool has_rule(struct arena *a, struct str text, const char *target)
{
	struct audit_rule wanted, rule;
	struct str line;

	audit_rule_parse(a, NULL, str_of(target), &wanted);
	while (str_line(&text, &line)) {
		if (line.n > AUDIT_MAX_RULE)
			continue;
		audit_rule_parse(a, NULL, line, &rule);
		if (str_eq(rule.canonical, wanted.canonical))
			return true;
	}
	return false;
}

static bool is_locked(struct str status)
{
	struct str line, name, value;

	while (str_line(&status, &line))
		if (str_word(&line, &name) && str_is(name, "enabled") && str_word(&line, &value))
			return str_is(value, "2");
	return false;
}

static int capture_audit_rule(const struct place *place, const char *target, struct arena *a,
							  struct state *ret, struct err *err)
{
	struct str list, status = STR(""), file = STR("");
	int r = ask("-l", a, &list, err);
	bool loaded = r == 0 && has_rule(a, list, target);

	if (loaded)
		r = ask("-s", a, &status, err);
	if (r < 0)
		return r;
	if (is_locked(status)) {
		r = path_read(place->root_fd, OWN_FILE, MAX_LIST, a, &file);
		if (r < 0 && r != -ENOENT)
			return err_errno(err, -r, OWN_FILE);
		loaded = has_rule(a, file, target);
	}
	state_set(ret, a, "loaded", loaded ? STR("yes") : STR("no"));
	return 0;
}

/* The words of the rule for auditctl; those that add it become those that delete it. */
static int words_of(struct arena *a, const char *rule, bool load, const char *argv[MAX_WORDS],
					struct err *err)
{
	struct str rest = str_of(rule), word;
	size_t n = 0;

	argv[n++] = AUDITCTL;
	while (str_word(&rest, &word)) {
		if (n + 1 == MAX_WORDS)
			return err_set(err, EINVAL, "%s: an audit rule of so many words", rule);
		if (!load && (str_is(word, "-a") || str_is(word, "-A")))
			word = STR("-d");
		else if (!load && str_is(word, "-w"))
			word = STR("-W");
		argv[n++] = str_dup(a, word);
	}
	argv[n] = NULL;
	return 0;
}

static int put_audit_rule(const struct place *place, const char *target, const struct state *to,
						  const struct saved *saved _unused_, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *argv[MAX_WORDS];
	struct state now = {0};
	struct err ignored;
	const char *field;
	int r = words_of(&a, target, state_is(to, "loaded", "yes"), argv, err);

	if (r == 0)
		r = step_run(place, argv, 20000, err);
	/* That it is in force already, or is not, is an error of auditctl's. */
	if (r < 0 && capture_audit_rule(place, target, &a, &now, &ignored) == 0 &&
		state_covers(&now, to, &field))
		r = 0;
	return r;
}

static void undo_audit_rule(struct buf *out, const struct step *s)
{
	_cleanup_arena_ struct arena a = {0};
	const char *argv[MAX_WORDS];
	struct err ignored;

	if (words_of(&a, s->target, state_is(&s->before, "loaded", "yes"), argv, &ignored) < 0)
		return;
	buf_puts(out, "[ -n \"$ROOT\" ] ||");
	for (size_t i = 0; argv[i]; i++) {
		buf_putc(out, ' ');
		step_shell_word(out, str_of(argv[i]));
	}
	buf_puts(out, " || true\n");
}

static const struct step_type audit_rule_step = {
	.name = "audit_rule",
	.doc = "a rule of the kernel's audit is in force or not; of locked ones, from the next boot on",
	.order = 5, /* before files, and undone after them */
	.live_only = true,
	.capture = capture_audit_rule,
	.put = put_audit_rule,
	.undo_sh = undo_audit_rule,
};
STEP_TYPE(audit_rule_step);
