/* SPDX-License-Identifier: Apache-2.0 */
/* A rule of the kernel's audit: is it in force now? What the boot loads is a file's business. */
#include <string.h>

#include "base/exec.h"
#include "host/audit_rule.h"

#include "change/step.h"

#define AUDITCTL "/sbin/auditctl"
#define MAX_LIST ((size_t)16 << 20)
#define MAX_WORDS 32

static int capture_audit_rule(const struct place *place _unused_, const char *target,
							  struct arena *a, struct state *ret, struct err *err)
{
	const char *const argv[] = {AUDITCTL, "-l", NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct audit_rule wanted, rule;
	struct str text, line;
	bool loaded = false;

	if (exec_finish(&e, MAX_LIST, 10000, a, &result, err) < 0)
		return -err->errnum;
	if (result.status)
		return err_set(err, EIO, AUDITCTL " -l: exit %d", result.status);
	audit_rule_parse(a, NULL, str_of(target), &wanted);
	text = result.out;
	while (!loaded && str_line(&text, &line)) {
		if (line.n > AUDIT_MAX_RULE)
			continue;
		audit_rule_parse(a, NULL, line, &rule);
		loaded = str_eq(rule.canonical, wanted.canonical);
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
	const char *field;
	int r = capture_audit_rule(place, target, &a, &now, err);

	if (r < 0 || state_covers(&now, to, &field))
		return r;
	r = words_of(&a, target, state_is(to, "loaded", "yes"), argv, err);
	return r < 0 ? r : step_run(place, argv, 20000, err);
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
	.doc = "a rule of the kernel's audit is in force or not",
	.order = 52,
	.live_only = true,
	.capture = capture_audit_rule,
	.put = put_audit_rule,
	.undo_sh = undo_audit_rule,
};
STEP_TYPE(audit_rule_step);
